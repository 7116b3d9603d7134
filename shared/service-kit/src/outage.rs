use std::time::Duration;

use tokio::sync::watch;

/// Sends a server away for a while, so that those who need it can learn to live without: its
/// address is given back, and taken again afterwards.
#[derive(Clone, Debug)]
pub struct OutageSimulator(watch::Sender<Duration>);

impl Default for OutageSimulator {
    fn default() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }
}

impl OutageSimulator {
    /// Go away now, for so long.
    pub fn start(&self, length: Duration) {
        self.0.send_replace(length);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Duration> {
        self.0.subscribe()
    }
}

/// Wait until an absence begins; for ever, where none can.
pub(crate) async fn next_outage(listener: &mut watch::Receiver<Duration>) -> Duration {
    if listener.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *listener.borrow_and_update()
}
