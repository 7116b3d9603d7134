//! `POST /control/logouts`: ends sessions of a user and sends logout tokens to their clients.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    context::ControlContext,
    error::ControlError,
    json_body::JsonBody,
    named_user::user_named,
    tokens::{DraftJwt, Flaw, FlawTarget, TokenKind, apply_to_claims, parse_flaws},
};
use crate::{
    domain::{Algorithm, AuditEvent, Client, LogoutNotification, Outcome, Session, User},
    http::{ClientAddress, NO_STORE},
    keys::KeyError,
    oidc::backchannel_logout::{
        BackchannelLogout, LOGOUT_TOKEN_TYP, end_session, in_new_flow, logout_token_algorithm,
        logout_token_claims, notifications_of,
    },
    outbound::UrlTrust,
    storage::{AuditedChange, Change},
};

/// How many clients are called at once.
const CONCURRENCY: usize = 32;

/// The body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    user: String,
    /// The `sid` of the session; without it, all sessions of the user.
    session: Option<String>,
    /// What is wrong with the logout tokens. With flaws, the sessions go on.
    #[serde(default)]
    flaws: Vec<String>,
}

#[derive(Serialize)]
struct LogoutResult {
    /// The `sid` of the sessions that have ended.
    sessions: Vec<String>,
    deliveries: Vec<Delivery>,
}

/// A logout token that was sent to a client.
#[derive(Serialize)]
struct Delivery {
    client_id: String,
    sid: String,
    uri: String,
    logout_token: String,
    /// The client's response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Logs a user out. The response comes after those of the clients.
pub async fn log_out(
    State(context): State<Arc<ControlContext>>,
    address: ClientAddress,
    JsonBody(LogoutRequest { user, session, flaws }): JsonBody<LogoutRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let flaws = parse_flaws(&flaws, TokenKind::Logout)?;
    let user = user_named(&*context.store, &user).await?;
    let sessions = named_sessions(&context, &user, session.as_deref()).await?;
    let logout = &context.backchannel_logout;
    let (mut ended, mut notifications) = (Vec::new(), Vec::new());
    for session in sessions {
        if flaws.is_empty() {
            let end = end_of(&context, &session, address);
            notifications.extend(end_session(logout, &session, end).await?);
            ended.push(session.sid);
        } else {
            notifications.extend(notifications_of(logout, &session).await?);
        }
    }
    let deliveries: Vec<_> = stream::iter(notifications)
        .map(|notification| deliver(logout, notification, &flaws))
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let deliveries = deliveries.into_iter().filter_map(Result::transpose);
    let deliveries = deliveries.collect::<Result<_, _>>()?;
    Ok((NO_STORE, Json(LogoutResult { sessions: ended, deliveries })))
}

async fn named_sessions(
    context: &ControlContext,
    user: &User,
    sid: Option<&str>,
) -> Result<Vec<Session>, ControlError> {
    let mut sessions = context.store.sessions_of(&user.sub).await?;
    sessions.retain(|session| sid.is_none_or(|sid| session.sid == sid));
    match (sid, sessions.is_empty()) {
        (_, false) => Ok(sessions),
        (Some(sid), true) => {
            let text = format!("the user has no session `{sid}`");
            let error = ControlError::not_found("unknown_session", text).at("/session");
            Err(error.expecting("the sid of a session of the user"))
        }
        (None, true) => {
            let text = format!("the user `{}` has no session", user.username);
            let error = ControlError::not_found("unknown_session", text).at("/user");
            Err(error.expecting("a user who has signed in"))
        }
    }
}

fn end_of(context: &ControlContext, session: &Session, address: ClientAddress) -> AuditedChange {
    let audit = &context.token.audit;
    let mut record = audit.record(AuditEvent::SignOut, Outcome::Succeeded, address);
    record.sub = Some(session.sub.clone());
    AuditedChange::of_request(record, Change::EndSession { sid: session.sid.clone() })
}

/// Sends a logout token. Returns `None` if the client has no URI for it.
async fn deliver(
    logout: &BackchannelLogout,
    notification: LogoutNotification,
    flaws: &[Flaw],
) -> Result<Option<Delivery>, ControlError> {
    let Some(client) = logout.clients.known(&notification.client_id) else { return Ok(None) };
    let uri = client.login.as_ref().and_then(|login| login.backchannel_logout_uri.clone());
    let Some(uri) = uri else { return Ok(None) };
    let token = logout_token(logout, &client, &notification, flaws).await?;
    let form = [("logout_token", &*token)];
    let sent = logout.outbound.form_status(&uri, UrlTrust::of(&client), &form);
    let (status, error) = match in_new_flow(logout, sent).await {
        Ok(status) => (Some(status.as_u16()), None),
        Err(error) => (None, Some(error.log_reason())),
    };
    let LogoutNotification { client_id, sid, .. } = notification;
    Ok(Some(Delivery { client_id, sid, uri, logout_token: token, status, error }))
}

async fn logout_token(
    logout: &BackchannelLogout,
    client: &Client,
    notification: &LogoutNotification,
    flaws: &[Flaw],
) -> Result<String, ControlError> {
    let algorithm = logout_token_algorithm(client);
    logout.keys.await_signing_key(algorithm).await?;
    let claims = logout_token_claims(logout, client, notification)?;
    let Ok(Value::Object(mut claims)) = serde_json::to_value(claims) else {
        return Err(KeyError.into());
    };
    let of = |target| flaws.iter().copied().filter(move |flaw| flaw.target() == target);
    let now = logout.clock.seconds();
    of(FlawTarget::Claims).for_each(|flaw| apply_to_claims(&mut claims, flaw, now));
    sign(logout, algorithm, claims, flaws, of(FlawTarget::Signature).next()).await
}

async fn sign(
    logout: &BackchannelLogout,
    algorithm: Algorithm,
    claims: Map<String, Value>,
    flaws: &[Flaw],
    of_signature: Option<Flaw>,
) -> Result<String, ControlError> {
    let ring = logout.keys.ring();
    let signing = ring.signing_key(algorithm).ok_or(KeyError)?;
    let mut draft = DraftJwt::new(LOGOUT_TOKEN_TYP, signing, claims);
    draft.apply_all(flaws);
    Ok(draft.sign(signing, of_signature).await?)
}
