//! Waits for an issuer that is known only once the server listens (`issuer = "late"`), as with the
//! mapped port of a container.

use std::{io, sync::Arc};

use axum::{
    Json, Router,
    http::{StatusCode, header::RETRY_AFTER},
    middleware::map_response,
    response::{IntoResponse, Response},
};
use clock::Clock;
use flow_events::{EventSink, Party};
use oauth_types::{ErrorCode, OAuthError};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Management, Server, ServiceContext,
    health::{Readiness, check},
    metrics::HttpMetrics,
    with_request_context,
};

use super::listeners::Listeners;
use crate::{
    AuthServerSettings, SecureRandom,
    control::{LateIssuer, close_connection, late_routes},
    http::NO_STORE,
    settings::ConfiguredFiles,
};

const NOT_SET: &str = "the issuer of this server is not set yet: PUT /control/issuers/default with its URL at the control API";

/// Serves 503 until the control API sets the issuer, and returns the settings with it. Returns
/// `None` if the server is stopped before.
///
/// # Errors
/// Returns an error if another setting is invalid, or a listener fails.
pub async fn await_issuer(
    settings: AuthServerSettings,
    listeners: &Listeners,
    clock: &Clock,
    random: &SecureRandom,
    stop: &CancellationToken,
) -> anyhow::Result<Option<AuthServerSettings>> {
    let files = ConfiguredFiles::read(&settings, random);
    settings.check(&files).map_err(anyhow::Error::msg)?;
    let limits = settings.limits.clone();
    let context = ServiceContext {
        service: "auth-server",
        party: Party::AuthorizationServer,
        events: EventSink::disabled(),
        clock: clock.clone(),
        http_metrics: HttpMetrics::register(&mut Registry::default()),
        hosts: settings.control.hosts().map_err(anyhow::Error::msg)?,
        limits: limits.clone(),
    };
    let (set, released) = (CancellationToken::new(), CancellationToken::new());
    let late = LateIssuer::new(settings, random.clone(), set.clone(), released.clone());
    let late = Arc::new(late);
    let public = listeners.http.as_ref().map(BoundListener::try_clone).transpose()?;
    let control = listeners.control.as_ref().map(BoundListener::try_clone).transpose()?;
    let manage = listeners.manage.as_ref().map(BoundListener::try_clone).transpose()?;
    let readiness = Readiness::always().with_instance(check(async || Err(NOT_SET.to_owned())));
    let management = Management::new(manage, readiness, Registry::default(), &limits);
    let routes = with_request_context(late_routes(Arc::clone(&late)), context);
    let serve = |close: CancellationToken| async move {
        let ended = CancellationToken::new();
        let run = async |bound: Option<BoundListener>, routes: Router| match bound {
            Some(bound) => Server::new(bound, routes, &limits).run(ended.clone()).await,
            None => Ok(()),
        };
        let ending = async {
            tokio::select! {
                () = close.cancelled() => (),
                () = set.cancelled() => (),
            }
            ended.cancel();
            io::Result::Ok(())
        };
        let public = async {
            let ended = run(public, public_routes()).await;
            released.cancel();
            ended
        };
        tokio::try_join!(public, run(control, routes), ending)?;
        Ok(())
    };
    management.run_with(stop.clone(), serve).await?;
    Ok(late.complete())
}

fn public_routes() -> Router {
    Router::new().fallback(not_set).layer(map_response(close_connection))
}

async fn not_set() -> Response {
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, NOT_SET);
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], NO_STORE, Json(error)).into_response()
}
