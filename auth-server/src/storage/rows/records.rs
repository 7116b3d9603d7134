use sqlx::FromRow;

use super::unreadable;
use crate::{
    domain::{AuditEvent, AuditRecord, OpaqueToken, Outcome, TokenHash},
    storage::StoreError,
};

/// By its own name, or with the grant that its name tells.
pub const IS_REVOKED: &str = "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $1) \
     OR ($2 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM grants WHERE grant_id = $2 AND revoked_at IS NULL))";

#[derive(FromRow)]
pub struct AuditRow {
    at_millis: i64,
    event: String,
    outcome: String,
    client_id: Option<String>,
    sub: Option<String>,
    jti: Option<String>,
    scope: Option<String>,
    address: String,
    error: Option<String>,
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let AuditRow { at_millis, event, outcome, client_id, sub, jti, scope, address, error } =
            row;
        let event = AuditEvent::parse(&event).ok_or_else(|| unreadable("an audit event"))?;
        let outcome = Outcome::parse(&outcome).ok_or_else(|| unreadable("an audit outcome"))?;
        Ok(Self { at_millis, event, outcome, client_id, sub, jti, scope, address, error })
    }
}

/// The token with this hash, and with these claims if it is known.
pub fn opaque_token(
    hash: &TokenHash,
    claims: Option<&str>,
) -> Result<Option<OpaqueToken>, StoreError> {
    claims
        .map(|json| Ok(OpaqueToken { hash: *hash, claims: serde_json::from_str(json)? }))
        .transpose()
}
