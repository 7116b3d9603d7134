//! Tells clients that a session is over (OpenID Connect Back-Channel Logout).

use std::{sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{EventSink, FlowScope, Party, TraceContext};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::{CancellationToken, run_periodically};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    clients::Clients,
    domain::{Client, LogoutNotification, new_jti},
    http::ApiError,
    keys::{KeyError, KeyManager, sign_jwt},
    outbound::{OutboundClient, UrlTrust},
    secure_random::SecureRandom,
    storage::{Store, StoreError},
    tokens::Subjects,
};

/// What back-channel logout needs.
pub struct BackchannelLogout {
    pub issuer: String,
    pub clients: Arc<Clients>,
    pub keys: Arc<KeyManager>,
    pub subjects: Arc<Subjects>,
    pub outbound: Arc<OutboundClient>,
    pub store: Arc<dyn Store>,
    pub events: EventSink,
    pub clock: Clock,
    pub random: SecureRandom,
}

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
const CONCURRENCY: usize = 32;
/// A client that was away, and one that a server was telling when it stopped, is told again after
/// so many seconds.
const AGAIN_SECONDS: i64 = 60;

/// Tell clients of the sessions that have ended, until a stop is asked for. The user does not wait
/// for it, no client waits for another, and what was not told stays in the store.
pub async fn run(context: Arc<BackchannelLogout>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONCURRENCY));
    run_periodically(PERIOD, stop, || async {
        if let Err(error) = deliver_due(&context, &places).await {
            tracing::error!(%error, "clients could not be told of sign-outs");
        }
    })
    .await;
}

async fn deliver_due(
    context: &Arc<BackchannelLogout>,
    places: &Arc<Semaphore>,
) -> Result<(), StoreError> {
    // Nobody else takes a place, so as many are free as are counted here.
    let free = u32::try_from(places.available_permits()).unwrap_or_default();
    let now = context.clock.seconds();
    for news in context.store.take_due_logout_notifications(now, now + AGAIN_SECONDS, free).await? {
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(()) };
        tokio::spawn(tell(Arc::clone(context), news, place));
    }
    Ok(())
}

async fn tell(
    context: Arc<BackchannelLogout>,
    news: LogoutNotification,
    _place: OwnedSemaphorePermit,
) {
    let registry = context.clients.registry.current();
    let client = registry.client(&news.client_id);
    let uri = client.and_then(|client| client.login.as_ref()?.backchannel_logout_uri.as_deref());
    if let (Some(client), Some(uri)) = (client, uri) {
        let (client_id, sid) = (&client.client_id, &news.sid);
        match in_new_flow(&context, post_logout_token(&context, client, uri, &news)).await {
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
    if let Err(error) = context.store.delete_logout_notification(&news).await {
        tracing::error!(%error, "a client that was told of a sign-out will be told again");
    }
}

/// No request of anybody's leads to the news, so they begin a flow of their own.
async fn in_new_flow<T>(context: &BackchannelLogout, work: impl Future<Output = T>) -> T {
    match context.random.bytes().ok().and_then(TraceContext::root) {
        Some(trace) => {
            let (sink, clock) = (context.events.clone(), context.clock.clone());
            FlowScope { trace, party: Party::AuthorizationServer, sink, clock }.run(work).await
        }
        None => work.await,
    }
}

async fn post_logout_token(
    context: &BackchannelLogout,
    client: &Client,
    uri: &str,
    news: &LogoutNotification,
) -> Result<(), String> {
    let token = logout_token(context, client, news).await.map_err(|failure| failure.to_string())?;
    context.outbound.form(uri, UrlTrust::of(client), &[("logout_token", &token)]).await
}

async fn logout_token(
    context: &BackchannelLogout,
    client: &Client,
    news: &LogoutNotification,
) -> Result<String, ApiError> {
    let iat = context.clock.seconds();
    let token = LogoutToken {
        iss: &context.issuer,
        aud: &client.client_id,
        iat,
        exp: iat + LIFE_SECONDS,
        jti: new_jti(context.clock.millis(), &context.random.bytes()?),
        sub: context.subjects.subject_for(client, &news.sub),
        sid: &news.sid,
        events: json!({ EVENT: {} }),
    };
    let algorithm = client
        .login
        .as_ref()
        .map(crate::domain::UserLoginConfig::id_token_algorithm)
        .unwrap_or_default();
    context.keys.ensure(algorithm, &*context.store, iat).await?;
    let ring = context.keys.ring();
    Ok(sign_jwt("logout+jwt", &token, ring.of(algorithm).ok_or(KeyError)?)?)
}
