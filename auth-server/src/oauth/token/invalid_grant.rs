//! The error `invalid_grant`, and the revocation of grants whose code or token may be stolen.

use oauth_types::ErrorCode;

use super::request::TokenRequest;
use crate::{
    domain::{AuditEvent, Outcome, UserGrant},
    http::ApiError,
    storage::Change,
};

/// Returns an `invalid_grant` error (RFC 6749 §5.2).
pub(super) fn invalid_grant(description: &str, rule: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidGrant, description, rule)
}

/// Revokes a grant with every token issued for it, and returns the error for the client. Called if
/// a code or token was replayed or stolen.
pub(super) async fn revoke_grant_and_reject(
    request: &TokenRequest<'_>,
    grant: &UserGrant,
    description: &str,
    rule: &str,
) -> Result<ApiError, ApiError> {
    let mut audit =
        request.context.audit.record(AuditEvent::Revocation, Outcome::Revoked, request.address);
    audit.client_id = Some(grant.client_id.clone());
    audit.sub = Some(grant.sub.clone());
    audit.error = Some(ErrorCode::InvalidGrant.as_str().to_owned());
    tracing::warn!(
        client_id = grant.client_id,
        grant = grant.grant_id,
        description,
        "grant revoked"
    );
    request
        .context
        .audit
        .apply(&audit, Change::RevokeGrant { grant_id: grant.grant_id.clone() })
        .await?;
    Ok(invalid_grant(description, rule))
}
