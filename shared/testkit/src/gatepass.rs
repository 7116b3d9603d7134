use std::{io, ops::Deref, sync::LazyLock};

use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
use flow_events::EventSink;
use service_kit::CancellationToken;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

use crate::{Control, StartError};

/// Every server of this process runs here: a test may block its own runtime, stop its time, or end
/// while another test uses the same server.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().thread_name("gatepass-testkit").enable_all().build()
});

/// An authorization server in this process, with the methods of [`Control`].
///
/// It has free ports of its own, and keeps everything in memory. When it is dropped, its listeners
/// close and its memory is released soon after; [`Gatepass::stop`] waits for that.
#[derive(Debug)]
pub struct Gatepass {
    control: Control,
    issuer: String,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Gatepass {
    pub(crate) async fn start_with(settings: AuthServerSettings) -> Result<Self, StartError> {
        let runtime = RUNTIME.as_ref().map_err(StartError::new)?;
        let stop = CancellationToken::new();
        // The compiler cannot prove that the future is `Send`.
        let starting = runtime.spawn_blocking(|| Handle::current().block_on(start(settings, stop)));
        starting.await.map_err(StartError::new)?
    }

    /// Returns the issuer identifier, which is also the URL of the server.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Stops the server and waits until its listeners are closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            // A panic of the server has been reported where it happened.
            let _ = running.await;
        }
    }
}

async fn start(
    settings: AuthServerSettings,
    stop: CancellationToken,
) -> Result<Gatepass, StartError> {
    let listeners = Listeners::bind(&settings).map_err(StartError::new)?;
    let settings = listeners.with_issuer_port(settings);
    let Some(control) = &listeners.control else {
        return Err(StartError::new("the setting `control.listen` is empty"));
    };
    let url = format!("http://{}", control.address());
    let token = settings.control.token.as_ref().map(|token| token.expose().to_owned());
    let control = Control::of(&url, token, Some(Handle::current())).map_err(StartError::new)?;
    let (issuer, clock) = (settings.issuer(), settings.clock());
    let (random, events) = (SecureRandom::system(), EventSink::disabled());
    let server = AuthServer::prepare(settings, listeners, clock, random, events);
    let server = server.await.map_err(|error| StartError::new(format!("{error:#}")))?;
    let running = tokio::spawn({
        let stop = stop.clone();
        async move {
            // The listeners were bound before, so only a bug makes it fail. Requests fail then.
            let _ = server.run(stop).await;
        }
    });
    Ok(Gatepass { control, issuer, stop, running: Some(running) })
}

impl Deref for Gatepass {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Gatepass {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
