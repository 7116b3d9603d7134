use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use oauth_types::{AccessToken, ErrorCode, RefreshToken};

use super::token::TokenContext;
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, REFRESH_TOKEN_PREFIX},
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE},
    storage::{Change, StoreError},
    tokens::grant_id_of_refresh_token,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7009#section-2.1";
/// How far the clock of another C may be behind, at which the token is active for so much longer.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// `POST /oauth/revoke` (RFC 7009): revokes a token of the client. Introspection reports it as
/// inactive as soon as this responds.
pub async fn revoke(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Revocation, Outcome::Inactive, address);
    match revoke_token(&context, address, request, &mut record).await {
        Ok(()) => Ok((StatusCode::OK, NO_STORE)),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

async fn revoke_token(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<(), ApiError> {
    let request = request?;
    let client = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    let token = request.required("token", RULE)?;
    let found = find_token(context, token, record).await?;
    if found.as_ref().is_some_and(|found| found.client_id != client.client_id) {
        return Err(ApiError::new(
            ErrorCode::UnauthorizedClient,
            "the token was issued to another client",
            RULE,
        ));
    }
    // An invalid token needs no revocation, and the client could not act on an error (§2.2).
    let Some(found) = found.filter(|found| !found.has_ended) else {
        context.audit.record_without_change(record.clone()).await;
        return Ok(());
    };
    record.outcome = Outcome::Revoked;
    Ok(context.audit.apply(record, found.revocation).await?)
}

/// A token of this server, its client and the change that revokes it.
pub struct FoundToken {
    pub client_id: String,
    pub revocation: Change,
    /// It is revoked already, or has expired at every C.
    pub has_ended: bool,
}

/// Finds an access token or a refresh token, and writes what it is into the audit record. The
/// `token_type_hint` is ignored, because the token reveals its type (§2.1).
///
/// # Errors
/// Returns an error if the database cannot be read.
pub async fn find_token(
    context: &TokenContext,
    token: &str,
    record: &mut AuditRecord,
) -> Result<Option<FoundToken>, StoreError> {
    if token.starts_with(REFRESH_TOKEN_PREFIX) {
        return find_refresh_token(context, token, record).await;
    }
    let Some(claims) = context.issued_tokens.find_claims(&AccessToken::new(token)).await? else {
        return Ok(None);
    };
    record.set_token(&claims);
    let has_expired = context.clock.seconds() >= claims.exp.saturating_add(CLOCK_SKEW_SECONDS);
    Ok(Some(FoundToken {
        has_ended: has_expired || context.store.is_revoked(&claims.jti).await?,
        client_id: claims.client_id,
        revocation: Change::RevokeToken { jti: claims.jti, exp: claims.exp },
    }))
}

/// Finds the grant of a refresh token. Revocation includes its successors and the access tokens of
/// the grant (§2.1), and also works with a refresh token that was already used.
async fn find_refresh_token(
    context: &TokenContext,
    token: &str,
    record: &mut AuditRecord,
) -> Result<Option<FoundToken>, StoreError> {
    let token = RefreshToken::new(token);
    let Some(grant_id) = grant_id_of_refresh_token(&token) else { return Ok(None) };
    let Some(stored) = context.store.refresh_token(grant_id).await? else { return Ok(None) };
    if context.refresh_tokens.generations_since(&token, stored.number, stored.hash).is_none() {
        return Ok(None);
    }
    let grant = stored.grant;
    record.sub = Some(grant.sub);
    record.scope = Some(grant.scope.to_string());
    Ok(Some(FoundToken {
        has_ended: stored.revoked,
        client_id: grant.client_id,
        revocation: Change::RevokeGrant { grant_id: grant.grant_id },
    }))
}
