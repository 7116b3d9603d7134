use std::time::Duration;

use tokio::sync::watch;

/// Makes a server unreachable for a while, so that tests of its clients can simulate an outage. The
/// server closes its listener and binds the same address again afterwards.
#[derive(Clone, Debug)]
pub struct OutageSimulator(watch::Sender<Duration>);

impl Default for OutageSimulator {
    fn default() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }
}

impl OutageSimulator {
    /// Starts an outage of this length now.
    pub fn start(&self, length: Duration) {
        self.0.send_replace(length);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Duration> {
        self.0.subscribe()
    }
}

/// Waits for the next outage and returns its length. Never returns if the simulator is gone.
pub(crate) async fn next_outage(outages: &mut watch::Receiver<Duration>) -> Duration {
    if outages.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *outages.borrow_and_update()
}
