use sqlx::{AssertSqlSafe, PgPool};

use crate::{
    domain::{AuditRecord, IssuedToUser, Spends},
    store::StoreError,
};

/// Spend, put in force what was made of it, and write it down: one statement, which is one way to the database and back. An
/// error when it was spent before or the grant is revoked.
///
/// The grant's row comes first: whoever else wants to spend something of this grant, or to revoke it, waits here. What was
/// waited for is looked at anew, and so is what is to be spent.
pub(super) async fn issue(pool: &PgPool, issued: &IssuedToUser, audit: &AuditRecord) -> Result<(), StoreError> {
    let refresh = issued.refresh_token.as_ref();
    let opaque = issued.opaque.as_ref();
    let claims = opaque.map(|token| serde_json::to_string(&token.claims)).transpose()?;
    // Made of constants alone.
    let statement = AssertSqlSafe(format!("WITH {IN_FORCE}, spent AS ({}), {ISSUED}", spending(issued.spends)));
    let done = sqlx::query(statement)
        .bind(&issued.grant_id)
        .bind(refresh.map_or(issued.exp, |token| token.exp.max(issued.exp)))
        .bind(issued.spends.map(|spends| spends.hash().0.to_vec()))
        .bind(audit.at_millis.div_euclid(1_000))
        .bind(&issued.jti)
        .bind(issued.exp)
        .bind(refresh.map(|token| token.hash.0.to_vec()))
        .bind(refresh.map(|token| token.exp))
        .bind(opaque.map(|token| token.hash.0.to_vec()))
        .bind(claims)
        .bind(opaque.map(|token| token.claims.exp))
        .bind(audit.at_millis)
        .bind(audit.event.as_str())
        .bind(audit.outcome.as_str())
        .bind(&audit.client_id)
        .bind(&audit.sub)
        .bind(&audit.jti)
        .bind(&audit.scope)
        .bind(&audit.address)
        .bind(&audit.error)
        .execute(pool)
        .await?;
    if done.rows_affected() == 0 { Err(StoreError::AlreadySpent) } else { Ok(()) }
}

fn spending(spends: Option<Spends>) -> &'static str {
    match spends {
        // They name `in_force`, so that the grant's row is locked before.
        Some(Spends::Code(_)) => {
            "UPDATE codes SET spent_at = $4 FROM in_force WHERE hash = $3 AND spent_at IS NULL RETURNING in_force.grant_id"
        }
        Some(Spends::RefreshToken(_)) => {
            "UPDATE refresh_tokens SET spent_at = $4 FROM in_force WHERE hash = $3 AND spent_at IS NULL \
             RETURNING in_force.grant_id"
        }
        Some(Spends::DeviceCode(_)) => {
            "UPDATE devices SET spent_at = $4 FROM in_force WHERE hash = $3 AND spent_at IS NULL \
             RETURNING in_force.grant_id"
        }
        None => "SELECT grant_id FROM in_force WHERE $3::bytea IS NULL AND $4 > 0",
    }
}

const IN_FORCE: &str = "in_force AS (UPDATE grants SET exp = greatest(exp, $2) \
     WHERE grant_id = $1 AND revoked_at IS NULL RETURNING grant_id)";
const ISSUED: &str = "pass AS (INSERT INTO grant_tokens (jti, grant_id, exp) SELECT $5, grant_id, $6 FROM spent), \
     refreshing AS (INSERT INTO refresh_tokens (hash, grant_id, exp) \
         SELECT $7, grant_id, $8 FROM spent WHERE $7 IS NOT NULL), \
     opaque AS (INSERT INTO opaque_tokens (hash, claims, exp) SELECT $9, $10, $11 FROM spent WHERE $9 IS NOT NULL) \
     INSERT INTO audit (at_millis, event, outcome, client_id, sub, jti, scope, address, error) \
         SELECT $12, $13, $14, $15, $16, $17, $18, $19, $20 FROM spent";
