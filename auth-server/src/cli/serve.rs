use clock::Clock;
use service_kit::{CancellationToken, Settings, cancel_on_signal, telemetry};

use crate::{AuthServer, AuthServerSettings, Listeners, SecureRandom};

pub(super) async fn run(
    settings: AuthServerSettings,
    clock: Clock,
    entropy: SecureRandom,
) -> anyhow::Result<()> {
    let _telemetry = telemetry::init("auth-server", settings.log())?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let listeners = Listeners::bind(&settings)?;
    tracing::info!(
        issuer = settings.issuer(),
        http = %listeners.http.address(),
        tls = listeners.tls.as_ref().map(|bound| bound.address().to_string()),
        manage = listeners.manage.as_ref().map(|bound| bound.address().to_string()),
        profile = ?settings.profile,
        "auth-server starts"
    );
    let events = settings.events.start(settings.profile, stop.clone())?;
    AuthServer::prepare(settings, listeners, clock, entropy, events).await?.run(stop).await?;
    tracing::info!("auth-server has stopped");
    Ok(())
}
