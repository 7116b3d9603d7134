use sqlx::SqlitePool;

use crate::{
    domain::{AuditQuery, AuditRecord, OpaqueToken, TokenHash, grant_id_of},
    storage::{
        RetentionCutoffs, StoreError,
        rows::{self, AuditRow, IS_REVOKED},
    },
};

/// So many rows of a kind go at once: a sweep never holds the writer for long.
const SWEEP_BATCH: i64 = 500;

pub(super) async fn opaque_token(
    pool: &SqlitePool,
    hash: &TokenHash,
) -> Result<Option<OpaqueToken>, StoreError> {
    let claims =
        sqlx::query_scalar("SELECT claims FROM opaque_tokens WHERE hash = $1").bind(&hash.0[..]);
    let claims: Option<String> = claims.fetch_optional(pool).await?;
    rows::opaque_token(hash, claims.as_deref())
}

pub(super) async fn is_revoked(pool: &SqlitePool, jti: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(IS_REVOKED).bind(jti).bind(grant_id_of(jti)).fetch_one(pool).await?)
}

pub(super) async fn audit(
    pool: &SqlitePool,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, StoreError> {
    // A condition on a parameter that was not given is true; SQLite plans each query anew for the
    // ones that were.
    let found = sqlx::query_as(
        "SELECT at_millis, event, outcome, client_id, sub, jti, scope, address, error FROM audit \
         WHERE ($1 IS NULL OR client_id = $1) AND ($2 IS NULL OR sub = $2) AND ($3 IS NULL OR jti = $3) \
         AND at_millis BETWEEN $4 AND $5 ORDER BY id DESC LIMIT $6",
    )
    .bind(&query.client_id)
    .bind(&query.sub)
    .bind(&query.jti)
    .bind(query.since_millis.unwrap_or(i64::MIN))
    .bind(query.until_millis.unwrap_or(i64::MAX))
    .bind(query.limit);
    rows::read::<AuditRow, _>(found.fetch_all(pool).await?)
}

pub(super) async fn delete_expired(
    pool: &SqlitePool,
    before: RetentionCutoffs,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for (statement, limit) in [
        (
            "DELETE FROM opaque_tokens WHERE hash IN (SELECT hash FROM opaque_tokens WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        // Its codes go with a grant.
        (
            "DELETE FROM grants WHERE grant_id IN (SELECT grant_id FROM grants WHERE kept_until < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM devices WHERE hash IN (SELECT hash FROM devices WHERE exp < $1 AND state <> 'allowed' LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM pushed_requests WHERE hash IN (SELECT hash FROM pushed_requests WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM logout_news WHERE (sid, client_id) IN \
             (SELECT sid, client_id FROM logout_news WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE last_seen < $1 LIMIT $2)",
            before.sessions,
        ),
        (
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_millis < $1 LIMIT $2)",
            before.audit_millis,
        ),
    ] {
        gone += sqlx::query(statement)
            .bind(limit)
            .bind(SWEEP_BATCH)
            .execute(pool)
            .await?
            .rows_affected();
    }
    Ok(gone + super::keys::forget_retired(pool, before.keys).await?)
}
