//! `POST /control/revocations`: revokes a token, a grant, a session, or what a client or user has.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};

use super::{
    context::ControlContext, error::ControlError, json_body::JsonBody, named_client::client_named,
    named_user::user_named,
};
use crate::{
    domain::{
        Actor, AuditEvent, AuditQuery, AuditRecord, CODE_PREFIX, Outcome, TokenHash, UserGrant,
        grant_id_of,
    },
    http::{ClientAddress, NO_STORE},
    oauth::revoke::{FoundToken, find_token},
    storage::{AuditedChange, Change, GrantOwner},
};

/// How long the revocation of a token is kept whose expiry the audit log does not have: ten years,
/// the longest lifetime that the control API issues.
const MAX_LIFETIME_SECONDS: i64 = 315_360_000;

/// The body of the request. Only `client_id` and `user` can be combined.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationRequest {
    /// An access token, or a refresh token with its grant.
    token: Option<String>,
    /// Any token or code of the grant.
    grant: Option<String>,
    /// The `sid` of an ID token.
    session: Option<String>,
    client_id: Option<String>,
    /// The user name.
    user: Option<String>,
}

/// What was revoked.
#[derive(Default, Serialize)]
struct Revoked {
    /// The `jti` of access tokens that were revoked by themselves.
    tokens: Vec<String>,
    /// Ids of grants. All their tokens and codes are revoked.
    grants: Vec<String>,
    /// The `sid` of sessions that have ended.
    sessions: Vec<String>,
}

/// Revokes what the body names.
pub async fn revoke(
    State(context): State<Arc<ControlContext>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<RevocationRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let RevocationRequest { token, grant, session, client_id, user } = request;
    let revoked = match (token, grant, session, client_id, user) {
        (Some(token), None, None, None, None) => revoke_token(&context, address, &token).await?,
        (None, Some(of), None, None, None) => revoke_grant(&context, address, &of).await?,
        (None, None, Some(sid), None, None) => end_session(&context, address, &sid).await?,
        (None, None, None, Some(client_id), None) => revoke_client(&context, client_id).await?,
        (None, None, None, client_id, Some(user)) => {
            revoke_user(&context, &user, client_id).await?
        }
        _ => {
            let text = "the body names nothing to revoke, or more than one thing";
            return Err(ControlError::invalid(text).at("").expecting(
                "one of token, grant, session, client_id, user; or client_id and user",
            ));
        }
    };
    Ok((NO_STORE, Json(revoked)))
}

async fn revoke_token(
    context: &ControlContext,
    address: ClientAddress,
    token: &str,
) -> Result<Revoked, ControlError> {
    let audit = &context.token.audit;
    let mut record = audit.record(AuditEvent::Revocation, Outcome::Revoked, address);
    let found = find_token(&context.token, token, &mut record).await?;
    let FoundToken { client_id, revocation, .. } = found.ok_or_else(|| unknown_token("/token"))?;
    record.client_id = Some(client_id);
    let mut revoked = Revoked::default();
    match &revocation {
        Change::RevokeGrant { grant_id } => revoked.grants.push(grant_id.clone()),
        _ => revoked.tokens.extend(record.jti.clone()),
    }
    audit.apply(&record, revocation).await?;
    Ok(revoked)
}

/// Revokes the grant of a token or code.
async fn revoke_grant(
    context: &ControlContext,
    address: ClientAddress,
    credential: &str,
) -> Result<Revoked, ControlError> {
    let audit = &context.token.audit;
    let mut record = audit.record(AuditEvent::Revocation, Outcome::Revoked, address);
    let grant_id = if credential.starts_with(CODE_PREFIX) {
        let code = context.store.code(&TokenHash::of_text(credential)).await?;
        code.map(|stored| stored.grant.grant_id)
    } else {
        match find_token(&context.token, credential, &mut record).await? {
            None => None,
            Some(FoundToken { revocation: Change::RevokeGrant { grant_id }, .. }) => Some(grant_id),
            Some(_) => {
                let of_token = record.jti.as_deref().and_then(grant_id_of).map(str::to_owned);
                Some(of_token.ok_or_else(|| {
                    let text = "a token of the client itself belongs to no grant";
                    ControlError::invalid(text).at("/grant").expecting("a token of a user")
                })?)
            }
        }
    };
    let grant_id = grant_id.ok_or_else(|| unknown_token("/grant"))?;
    if let Some(grant) = context.store.grant(&grant_id).await? {
        (record.client_id, record.sub) = (Some(grant.client_id), Some(grant.sub));
    }
    audit.apply(&record, Change::RevokeGrant { grant_id: grant_id.clone() }).await?;
    Ok(Revoked { grants: vec![grant_id], ..Revoked::default() })
}

/// Ends a session as a logout does, with the grants that do not outlive it.
async fn end_session(
    context: &ControlContext,
    address: ClientAddress,
    sid: &str,
) -> Result<Revoked, ControlError> {
    let session = context.store.session_by_sid(sid).await?.ok_or_else(|| {
        let text = format!("there is no session `{sid}`");
        ControlError::not_found("unknown_session", text)
            .at("/session")
            .expecting("the sid of a session")
    })?;
    let before = grants_of(context, &session.sub, None).await?;
    let audit = &context.token.audit;
    let mut record = audit.record(AuditEvent::SignOut, Outcome::Succeeded, address);
    record.sub = Some(session.sub.clone());
    audit.apply(&record, Change::EndSession { sid: session.sid.clone() }).await?;
    let after = grants_of(context, &session.sub, None).await?;
    let grants = before.into_iter().filter(|id| !after.contains(id)).collect();
    Ok(Revoked { grants, sessions: vec![session.sid], ..Revoked::default() })
}

/// Revokes all tokens of a client, also those of its own.
async fn revoke_client(
    context: &ControlContext,
    client_id: String,
) -> Result<Revoked, ControlError> {
    client_named(&context.clients, &client_id)?;
    let mut revoked = Revoked::default();
    for user in context.store.users().await? {
        revoked.grants.extend(grants_of(context, &user.sub, Some(&client_id)).await?);
    }
    let (now, at_millis) = (context.clock.seconds(), context.clock.millis());
    let query =
        AuditQuery { client_id: Some(client_id.clone()), limit: u32::MAX, ..AuditQuery::default() };
    for issued in context.store.audit(&query).await? {
        let Some(jti) = issued.jti.clone() else { continue };
        let is_own = issued.outcome == Outcome::Issued && grant_id_of(&jti).is_none();
        if is_own && !context.store.is_revoked(&jti).await? {
            let (event, outcome) = (AuditEvent::Revocation, Outcome::Revoked);
            let audit = AuditRecord { event, outcome, at_millis, ..issued };
            let change = Change::RevokeToken { jti: jti.clone(), exp: now + MAX_LIFETIME_SECONDS };
            context.store.apply(AuditedChange { audit, change }).await?;
            revoked.tokens.push(jti);
        }
    }
    let owner = GrantOwner::Client { client_id };
    context.store.apply(AuditedChange::revoke_grants(owner, Actor::System, at_millis)).await?;
    Ok(revoked)
}

/// Revokes all grants of a user and ends their sessions, or revokes their grants at one client.
async fn revoke_user(
    context: &ControlContext,
    name: &str,
    client_id: Option<String>,
) -> Result<Revoked, ControlError> {
    let user = user_named(&*context.store, name).await?;
    let mut revoked = Revoked {
        grants: grants_of(context, &user.sub, client_id.as_deref()).await?,
        ..Revoked::default()
    };
    let at_millis = context.clock.millis();
    let owner = match client_id {
        Some(client_id) => {
            client_named(&context.clients, &client_id)?;
            GrantOwner::UserAtClient { sub: user.sub, client_id }
        }
        None => {
            let sessions = context.store.sessions_of(&user.sub).await?;
            revoked.sessions = sessions.into_iter().map(|session| session.sid).collect();
            let sign_out = AuditedChange::sign_out_user(&user.sub, Actor::System, at_millis);
            context.store.apply(sign_out).await?;
            GrantOwner::User { sub: user.sub }
        }
    };
    context.store.apply(AuditedChange::revoke_grants(owner, Actor::System, at_millis)).await?;
    Ok(revoked)
}

/// Returns the ids of the user's grants that are neither expired nor revoked.
async fn grants_of(
    context: &ControlContext,
    sub: &str,
    client_id: Option<&str>,
) -> Result<Vec<String>, ControlError> {
    let grants = context.store.grants_of(sub, context.clock.seconds()).await?;
    let is_named = |grant: &UserGrant| client_id.is_none_or(|id| grant.client_id == id);
    Ok(grants.into_iter().filter(is_named).map(|grant| grant.grant_id).collect())
}

fn unknown_token(pointer: &str) -> ControlError {
    let text = "this server has issued no such token";
    ControlError::not_found("unknown_token", text)
        .at(pointer)
        .expecting("a token of this issuer that has not expired")
}
