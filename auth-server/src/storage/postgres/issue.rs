use sqlx::{AssertSqlSafe, PgPool};

use crate::{
    domain::{AuditRecord, OneTimeCredential, OpaqueToken, UserIssuance},
    storage::{StoreError, rows::kept_until},
};

/// Spend, put in force what was made of it, and write it down: one statement, which is one way to
/// the database and back. An error when it was spent before or the grant is revoked.
///
/// The grant's row comes first: whoever else wants to spend something of this grant, or to revoke
/// it, waits here. What was waited for is looked at anew, and so is what is to be spent.
pub(super) async fn issue(
    pool: &PgPool,
    issued: &UserIssuance,
    audit: &AuditRecord,
) -> Result<(), StoreError> {
    let refresh = issued.refresh_token.as_ref();
    let changing = changing(issued.spends);
    // A table that is named is opened, also for no row.
    let remembering = if issued.opaque.is_some() { REMEMBERING } else { "" };
    // Made of constants alone.
    let statement = AssertSqlSafe(format!("WITH {changing}{remembering} {AUDIT}"));
    let mut statement = sqlx::query(statement)
        .bind(&issued.grant_id)
        .bind(issued.spends.map(|spends| spends.hash().0.to_vec()))
        .bind(audit.at_millis.div_euclid(1_000))
        .bind(issued.ends())
        .bind(kept_until(issued.ends()))
        .bind(refresh.map(|token| token.hash.0.to_vec()))
        .bind(refresh.map(|token| i64::from(token.number)))
        .bind(refresh.map(|token| token.exp))
        .bind(audit.at_millis)
        .bind(audit.event.as_str())
        .bind(audit.outcome.as_str())
        .bind(&audit.client_id)
        .bind(&audit.sub)
        .bind(&audit.jti)
        .bind(&audit.scope)
        .bind(&audit.address)
        .bind(&audit.error);
    if let Some(OpaqueToken { hash, claims }) = &issued.opaque {
        statement =
            statement.bind(hash.0.to_vec()).bind(serde_json::to_string(claims)?).bind(claims.exp);
    }
    let done = statement.execute(pool).await?;
    if done.rows_affected() == 0 { Err(StoreError::AlreadyConsumed) } else { Ok(()) }
}

/// Spend it, and change the grant; `changed` is empty where that could not be.
fn changing(spends: Option<OneTimeCredential>) -> String {
    let code_of = |table: &str| {
        format!(
            "{LOCKED}, spent AS (UPDATE {table} SET spent_at = $3 FROM locked WHERE hash = $2 AND spent_at IS NULL \
             RETURNING locked.grant_id), \
             changed AS (UPDATE grants g SET {CHANGE} FROM spent WHERE g.grant_id = spent.grant_id RETURNING g.grant_id)"
        )
    };
    let at_once = |unspent: &str| {
        format!(
            "changed AS (UPDATE grants g SET {CHANGE} WHERE grant_id = $1 AND revoked_at IS NULL AND {unspent} \
             RETURNING grant_id)"
        )
    };
    match spends {
        Some(OneTimeCredential::AuthorizationCode(_)) => code_of("codes"),
        Some(OneTimeCredential::DeviceCode(_)) => code_of("devices"),
        Some(OneTimeCredential::RefreshToken(_)) => at_once("refresh_hash = $2"),
        None => at_once("$2::bytea IS NULL"),
    }
}

const LOCKED: &str =
    "locked AS (SELECT grant_id FROM grants WHERE grant_id = $1 AND revoked_at IS NULL FOR UPDATE)";
/// Without a new refresh token, the one that is there stays.
const CHANGE: &str = "exp = greatest(g.exp, $4), kept_until = greatest(g.kept_until, $5), \
     refresh_hash = coalesce($6, g.refresh_hash), refresh_number = coalesce($7, g.refresh_number), \
     refresh_exp = coalesce($8, g.refresh_exp), \
     refresh_at = CASE WHEN $6 IS NULL THEN g.refresh_at ELSE $3 END";
const AUDIT: &str = "INSERT INTO audit (at_millis, event, outcome, client_id, sub, jti, scope, address, error) \
     SELECT $9, $10, $11, $12, $13, $14, $15, $16, $17 FROM changed";
const REMEMBERING: &str =
    ", opaque AS (INSERT INTO opaque_tokens (hash, claims, exp) SELECT $18, $19, $20 FROM changed)";
