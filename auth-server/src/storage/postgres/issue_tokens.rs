use sqlx::{AssertSqlSafe, PgPool};

use crate::{
    domain::{AuditRecord, OneTimeCredential, OpaqueToken, UserIssuance},
    storage::{StoreError, sql::grants::delete_after},
};

/// Consumes a code or a refresh token, stores what is issued for it and the audit record, in one
/// statement and thus one round trip. Fails with [`StoreError::AlreadyConsumed`] if the credential
/// was consumed before or the grant is revoked.
///
/// The statement locks the row of the grant first: concurrent issues and revocations of this grant
/// wait, and then see the changed row.
pub(super) async fn issue(
    pool: &PgPool,
    issuance: &UserIssuance,
    audit: &AuditRecord,
) -> Result<(), StoreError> {
    let refresh_token = issuance.refresh_token.as_ref();
    let update = update_grant(issuance.consumes);
    // PostgreSQL opens each table that a statement names, even if no row is inserted.
    let insert_opaque = if issuance.opaque.is_some() { INSERT_OPAQUE } else { "" };
    // Made of constants.
    let statement = AssertSqlSafe(format!("WITH {update}{insert_opaque} {INSERT_AUDIT}"));
    let mut statement = sqlx::query(statement)
        .bind(&issuance.grant_id)
        .bind(issuance.consumes.map(|credential| credential.hash().0.to_vec()))
        .bind(audit.at_millis.div_euclid(1_000))
        .bind(issuance.ends())
        .bind(delete_after(issuance.ends()))
        .bind(refresh_token.map(|token| token.hash.0.to_vec()))
        .bind(refresh_token.map(|token| i64::from(token.number)))
        .bind(refresh_token.map(|token| token.exp))
        .bind(audit.at_millis)
        .bind(audit.event.as_str())
        .bind(audit.outcome.as_str())
        .bind(audit.actor.as_ref().map(ToString::to_string))
        .bind(&audit.client_id)
        .bind(&audit.sub)
        .bind(&audit.kid)
        .bind(&audit.jti)
        .bind(&audit.scope)
        .bind(&audit.address)
        .bind(&audit.error);
    if let Some(OpaqueToken { hash, claims }) = &issuance.opaque {
        statement =
            statement.bind(hash.0.to_vec()).bind(serde_json::to_string(claims)?).bind(claims.exp);
    }
    match statement.execute(pool).await?.rows_affected() {
        0 => Err(StoreError::AlreadyConsumed),
        _ => Ok(()),
    }
}

/// Consumes the credential and updates the grant. `updated` is empty if that was not possible.
fn update_grant(consumes: Option<OneTimeCredential>) -> String {
    let after_code = |table: &str| {
        format!(
            "{LOCKED}, consumed AS (UPDATE {table} SET consumed_at = $3 FROM locked WHERE hash = $2 AND consumed_at IS NULL \
             RETURNING locked.grant_id), \
             updated AS (UPDATE grants g SET {UPDATE} FROM consumed WHERE g.grant_id = consumed.grant_id RETURNING g.grant_id)"
        )
    };
    let directly = |condition: &str| {
        format!(
            "updated AS (UPDATE grants g SET {UPDATE} WHERE grant_id = $1 AND revoked_at IS NULL AND {condition} \
             RETURNING grant_id)"
        )
    };
    match consumes {
        Some(OneTimeCredential::AuthorizationCode(_)) => after_code("authorization_codes"),
        Some(OneTimeCredential::DeviceCode(_)) => after_code("device_authorizations"),
        Some(OneTimeCredential::RefreshToken(_)) => directly("refresh_token_hash = $2"),
        None => directly("$2::bytea IS NULL"),
    }
}

const LOCKED: &str =
    "locked AS (SELECT grant_id FROM grants WHERE grant_id = $1 AND revoked_at IS NULL FOR UPDATE)";
/// Without a new refresh token, keeps the stored one.
const UPDATE: &str = "exp = greatest(g.exp, $4), delete_after = greatest(g.delete_after, $5), \
     refresh_token_hash = coalesce($6, g.refresh_token_hash), \
     refresh_token_generation = coalesce($7, g.refresh_token_generation), \
     refresh_token_exp = coalesce($8, g.refresh_token_exp), \
     refresh_token_issued_at = CASE WHEN $6 IS NULL THEN g.refresh_token_issued_at ELSE $3 END";
const INSERT_AUDIT: &str = "INSERT INTO audit_log \
     (at_millis, event, outcome, actor, client_id, sub, kid, jti, scope, address, error) \
     SELECT $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 FROM updated";
const INSERT_OPAQUE: &str = ", opaque AS (INSERT INTO opaque_access_tokens (hash, claims, exp) SELECT $20, $21, $22 FROM updated)";
