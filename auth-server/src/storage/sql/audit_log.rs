use sqlx::FromRow;

use super::unreadable;
use crate::{
    domain::{Actor, AuditEvent, AuditRecord, Outcome},
    storage::StoreError,
};

/// The query without ORDER BY and LIMIT. A condition whose parameter is NULL always holds.
pub const AUDIT_RECORDS: &str = "SELECT at_millis, event, outcome, actor, client_id, sub, kid, jti, scope, members, address, error, count \
     FROM audit_log WHERE ($1 IS NULL OR client_id = $1) AND ($2 IS NULL OR sub = $2) AND ($3 IS NULL OR jti = $3) \
     AND ($4 IS NULL OR event = $4) AND at_millis BETWEEN $5 AND $6";

/// Counts the sign-ins of each address among the last 10,000 records.
pub const SIGN_IN_ADDRESSES: &str = "SELECT address, CAST(SUM(count) AS BIGINT) FROM \
     (SELECT event, address, count FROM audit_log ORDER BY id DESC LIMIT 10000) AS recent \
     WHERE event = 'sign_in' AND address IS NOT NULL GROUP BY address";

/// Converts the rows of [`SIGN_IN_ADDRESSES`].
pub fn address_counts(rows: Vec<(String, i64)>) -> Vec<(String, u64)> {
    rows.into_iter().map(|(address, count)| (address, count.unsigned_abs())).collect()
}

#[derive(FromRow)]
pub struct AuditRow {
    at_millis: i64,
    event: String,
    outcome: String,
    actor: Option<String>,
    client_id: Option<String>,
    sub: Option<String>,
    kid: Option<String>,
    jti: Option<String>,
    scope: Option<String>,
    members: Option<String>,
    address: Option<String>,
    error: Option<String>,
    count: i64,
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let actor =
            row.actor.map(|actor| Actor::parse(&actor).ok_or_else(|| unreadable("an actor")));
        Ok(Self {
            at_millis: row.at_millis,
            event: AuditEvent::parse(&row.event).ok_or_else(|| unreadable("an audit event"))?,
            outcome: Outcome::parse(&row.outcome).ok_or_else(|| unreadable("an audit outcome"))?,
            actor: actor.transpose()?,
            client_id: row.client_id,
            sub: row.sub,
            kid: row.kid,
            jti: row.jti,
            scope: row.scope,
            members: row.members,
            address: row.address,
            error: row.error,
            count: u32::try_from(row.count).map_err(|_| unreadable("an audit count"))?,
        })
    }
}
