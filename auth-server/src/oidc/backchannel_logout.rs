//! Notifies clients that a session has ended (OpenID Connect Back-Channel Logout).

use std::{sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{EventSink, FlowScope, Party, TraceContext};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::{CancellationToken, run_periodically};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::{
    clients::Clients,
    domain::{Algorithm, Client, LogoutNotification, Session, UserLoginConfig, new_jti},
    http::ApiError,
    keys::{KeyError, KeyManager, sign_jwt},
    outbound::{OutboundClient, UrlTrust},
    secure_random::{SecureRandom, SecureRandomError},
    storage::{AuditedChange, Store, StoreError},
    tokens::Subjects,
};

/// State of the back-channel logout task.
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
    /// Lets one task at a time take notifications from the store.
    pub queue: Mutex<()>,
}

/// The member of the `events` claim (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LOGOUT_TOKEN_TTL_SECONDS: i64 = 120;

/// The type of a logout token (§2.4).
pub const LOGOUT_TOKEN_TYP: &str = "logout+jwt";

/// The claims of a logout token (§2.4).
#[derive(Serialize)]
pub struct LogoutTokenClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sub: String,
    sid: String,
    events: Value,
}

/// How often due notifications are delivered.
const PERIOD: Duration = Duration::from_millis(500);
/// Maximum number of parallel deliveries.
const CONCURRENCY: usize = 32;
/// Seconds until a notification is retried after a failed or interrupted delivery.
const RETRY_SECONDS: i64 = 60;

/// Delivers logout notifications until shutdown. Users do not wait for the delivery, and clients do
/// not wait for each other. Undelivered notifications stay in the store.
pub async fn run(context: Arc<BackchannelLogout>, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    run_periodically(PERIOD, stop, || async {
        if let Err(error) = deliver_due(&context, &permits).await {
            tracing::error!(%error, "failed to load logout notifications; will retry");
        }
    })
    .await;
}

async fn deliver_due(
    context: &Arc<BackchannelLogout>,
    permits: &Arc<Semaphore>,
) -> Result<(), StoreError> {
    let _turn = context.queue.lock().await;
    // Only this task acquires permits, so the count stays valid.
    let free = u32::try_from(permits.available_permits()).unwrap_or_default();
    let now = context.clock.seconds();
    for notification in
        context.store.take_due_logout_notifications(now, now + RETRY_SECONDS, free).await?
    {
        let Ok(permit) = Arc::clone(permits).try_acquire_owned() else { return Ok(()) };
        tokio::spawn(deliver(Arc::clone(context), notification, permit));
    }
    Ok(())
}

async fn deliver(
    context: Arc<BackchannelLogout>,
    notification: LogoutNotification,
    _permit: OwnedSemaphorePermit,
) {
    let client_id = &notification.client_id;
    let client = match context.clients.find(client_id, None).await {
        Ok(client) => client,
        Err(error) => {
            return tracing::warn!(client_id, %error, "back-channel logout failed; will retry");
        }
    };
    let client = client.as_ref();
    let uri = client.and_then(|client| client.login.as_ref()?.backchannel_logout_uri.as_deref());
    if let (Some(client), Some(uri)) = (client, uri) {
        let (client_id, sid) = (&client.client_id, &notification.sid);
        match in_new_flow(&context, post_logout_token(&context, client, uri, &notification)).await {
            Ok(()) => tracing::info!(client_id, sid, "back-channel logout delivered"),
            // The tokens of the session are revoked in any case.
            Err(reason) => {
                return tracing::warn!(
                    client_id,
                    sid,
                    reason,
                    "back-channel logout failed; will retry"
                );
            }
        }
    }
    if let Err(error) = context.store.delete_logout_notification(&notification).await {
        tracing::error!(%error, "failed to delete a delivered logout notification; it will be sent again");
    }
}

/// Ends a session and returns the notifications of its clients, which the caller delivers instead
/// of the background task.
///
/// # Errors
/// Returns an error if the database cannot be used.
pub async fn end_session(
    context: &BackchannelLogout,
    session: &Session,
    end: AuditedChange,
) -> Result<Vec<LogoutNotification>, StoreError> {
    let _turn = context.queue.lock().await;
    let notifications = notifications_of(context, session).await?;
    context.store.apply(end).await?;
    for notification in &notifications {
        context.store.delete_logout_notification(notification).await?;
    }
    Ok(notifications)
}

/// Returns the notifications that the end of a session would cause.
///
/// # Errors
/// Returns an error if the database cannot be read.
pub async fn notifications_of(
    context: &BackchannelLogout,
    Session { sid, sub, .. }: &Session,
) -> Result<Vec<LogoutNotification>, StoreError> {
    let clients = context.store.clients_of_session(sid).await?;
    let notification =
        |client_id| LogoutNotification { sid: sid.clone(), sub: sub.clone(), client_id };
    Ok(clients.into_iter().map(notification).collect())
}

/// Runs a delivery in a flow of its own, because no incoming request causes it.
pub async fn in_new_flow<T>(context: &BackchannelLogout, work: impl Future<Output = T>) -> T {
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
    notification: &LogoutNotification,
) -> Result<(), String> {
    let token =
        logout_token(context, client, notification).await.map_err(|error| error.to_string())?;
    let form = [("logout_token", token.as_str())];
    let sent = context.outbound.form(uri, UrlTrust::of(client), &form).await;
    sent.map_err(|error| error.log_reason())
}

async fn logout_token(
    context: &BackchannelLogout,
    client: &Client,
    notification: &LogoutNotification,
) -> Result<String, ApiError> {
    let algorithm = logout_token_algorithm(client);
    context.keys.await_signing_key(algorithm).await?;
    let token = logout_token_claims(context, client, notification)?;
    let ring = context.keys.ring();
    Ok(sign_jwt(LOGOUT_TOKEN_TYP, &token, ring.signing_key(algorithm).ok_or(KeyError)?)?)
}

/// Returns the algorithm of the client's logout tokens, which is that of its ID tokens (§2.6).
pub fn logout_token_algorithm(client: &Client) -> Algorithm {
    client.login.as_ref().map(UserLoginConfig::id_token_algorithm).unwrap_or_default()
}

/// Returns the claims of the logout token of a client.
///
/// # Errors
/// Returns an error if the random number generator fails.
pub fn logout_token_claims<'a>(
    context: &'a BackchannelLogout,
    client: &'a Client,
    notification: &LogoutNotification,
) -> Result<LogoutTokenClaims<'a>, SecureRandomError> {
    let iat = context.clock.seconds();
    Ok(LogoutTokenClaims {
        iss: &context.issuer,
        aud: &client.client_id,
        iat,
        exp: iat + LOGOUT_TOKEN_TTL_SECONDS,
        jti: new_jti(context.clock.millis(), &context.random.bytes()?),
        sub: context.subjects.subject_for(client, &notification.sub),
        sid: context.subjects.session_id_for(client, &notification.sid),
        events: json!({ EVENT: {} }),
    })
}
