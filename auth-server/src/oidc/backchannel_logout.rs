//! Tells clients that a session is over (OpenID Connect Back-Channel Logout).

use std::{sync::Arc, time::Duration};

use flow_events::{FlowScope, Party, TraceContext};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::{CancellationToken, run_periodically};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    domain::{Client, LogoutNotification, new_jti},
    http::Failure,
    keys::{KeyError, sign_jwt},
    outbound::Named,
    state::App,
    storage::StoreError,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LIFE_SECONDS: i64 = 120;

/// The news, for one client (§2.4).
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sub: String,
    sid: &'a str,
    events: Value,
}

/// What ended is told so soon.
const PERIOD: Duration = Duration::from_millis(500);
/// To so many clients at once.
const AT_ONCE: usize = 32;
/// A client that was away, and one that a server was telling when it stopped, is told again after
/// so many seconds.
const AGAIN_SECONDS: i64 = 60;

/// Tell clients of the sessions that have ended, until a stop is asked for. The user does not wait
/// for it, no client waits for another, and what was not told stays in the store.
pub async fn run(app: App, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    run_periodically(PERIOD, stop, || async {
        if let Err(error) = tell_what_is_due(&app, &places).await {
            tracing::error!(%error, "clients could not be told of sign-outs");
        }
    })
    .await;
}

async fn tell_what_is_due(app: &App, places: &Arc<Semaphore>) -> Result<(), StoreError> {
    // Nobody else takes a place, so as many are free as are counted here.
    let free = u32::try_from(places.available_permits()).unwrap_or_default();
    let now = app.clock.seconds();
    for news in app.store.take_due_logout_notifications(now, now + AGAIN_SECONDS, free).await? {
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(()) };
        tokio::spawn(tell(app.clone(), news, place));
    }
    Ok(())
}

async fn tell(app: App, news: LogoutNotification, _place: OwnedSemaphorePermit) {
    let registry = app.registry.current();
    let client = registry.client(&news.client_id);
    let uri = client.and_then(|client| client.login.as_ref()?.backchannel_logout_uri.as_deref());
    if let (Some(client), Some(uri)) = (client, uri) {
        let (client_id, sid) = (&client.client_id, &news.sid);
        match in_a_flow(&app, post_news(&app, client, uri, &news)).await {
            Ok(()) => tracing::info!(client_id, sid, "a client was told of a sign-out"),
            // Its tokens are void in any case.
            Err(reason) => {
                return tracing::warn!(
                    client_id,
                    sid,
                    reason,
                    "a client missed a sign-out; it is told again"
                );
            }
        }
    }
    if let Err(error) = app.store.delete_logout_notification(&news).await {
        tracing::error!(%error, "a client that was told of a sign-out will be told again");
    }
}

/// No request of anybody's leads to the news, so they begin a flow of their own.
async fn in_a_flow<T>(app: &App, work: impl Future<Output = T>) -> T {
    match app.entropy.bytes().ok().and_then(TraceContext::root) {
        Some(trace) => {
            let (sink, clock) = (app.events.clone(), app.clock.clone());
            FlowScope { trace, party: Party::AuthorizationServer, sink, clock }.run(work).await
        }
        None => work.await,
    }
}

async fn post_news(
    app: &App,
    client: &Client,
    uri: &str,
    news: &LogoutNotification,
) -> Result<(), String> {
    let token = logout_token(app, client, news).await.map_err(|failure| failure.to_string())?;
    app.outgoing.form(uri, Named::by(client), &[("logout_token", &token)]).await
}

async fn logout_token(
    app: &App,
    client: &Client,
    news: &LogoutNotification,
) -> Result<String, Failure> {
    let iat = app.clock.seconds();
    let token = LogoutToken {
        iss: &app.issuer.issuer,
        aud: &client.client_id,
        iat,
        exp: iat + LIFE_SECONDS,
        jti: new_jti(app.clock.millis(), &app.entropy.bytes()?),
        sub: app.subjects.told_to(client, &news.sub),
        sid: &news.sid,
        events: json!({ EVENT: {} }),
    };
    let algorithm = client
        .login
        .as_ref()
        .map(crate::domain::UserLoginConfig::id_token_algorithm)
        .unwrap_or_default();
    app.keys.have(algorithm, &*app.store, iat).await?;
    let ring = app.keys.ring();
    Ok(sign_jwt("logout+jwt", &token, ring.of(algorithm).ok_or(KeyError)?)?)
}
