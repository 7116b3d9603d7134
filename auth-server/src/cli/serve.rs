use clock::Clock;
use service_kit::{
    BoundListener, CancellationToken, Settings, cancel_at_end_of_input, cancel_on_signal,
    cli::log_warnings, telemetry,
};

use crate::{
    AuthServer, AuthServerSettings, Listeners, SecureRandom,
    server::{await_issuer, database_location},
};

pub(super) async fn run(
    settings: AuthServerSettings,
    clock: Clock,
    random: SecureRandom,
) -> anyhow::Result<()> {
    let _telemetry = telemetry::init("auth-server", settings.log())?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    if settings.control.is_on() && settings.control.stop_at_end_of_input {
        cancel_at_end_of_input(stop.clone())?;
    }
    let listeners = Listeners::bind(&settings)?;
    let settings = if settings.has_late_issuer() {
        announcement(&settings, &listeners)();
        let Some(known) = await_issuer(settings, &listeners, &clock, &random, &stop).await? else {
            return Ok(());
        };
        known
    } else {
        settings
    };
    // Before port 0 is replaced: the setting `listen` still has it too.
    let warnings = settings.warnings();
    let settings = listeners.with_issuer_port(settings);
    let announced = announcement(&settings, &listeners);
    let (events, sender) = settings.events.start(settings.profile)?;
    let prepared = AuthServer::prepare(settings, listeners, clock, random, events);
    let Some(server) = stop.run_until_cancelled(prepared).await.transpose()? else {
        return Ok(());
    };
    log_warnings("auth-server", &warnings);
    announced();
    let served = server.run(stop).await;
    sender.finish().await;
    served?;
    tracing::info!("auth-server has stopped");
    Ok(())
}

/// Returns what logs the addresses of the server.
fn announcement(settings: &AuthServerSettings, listeners: &Listeners) -> impl FnOnce() + use<> {
    let (issuer, profile) = (settings.issuer(), settings.profile.as_str());
    let database = database_location(settings);
    let address =
        |bound: &Option<BoundListener>| bound.as_ref().map(|bound| bound.address().to_string());
    let (http, tls) = (address(&listeners.http), address(&listeners.tls));
    let (manage, control) = (address(&listeners.manage), address(&listeners.control));
    move || {
        tracing::info!(
            issuer,
            http,
            tls,
            manage,
            control,
            profile,
            database,
            "auth-server starts to serve"
        );
    }
}
