use sqlx::{AssertSqlSafe, PgPool};

use crate::accounts::{
    StoreError,
    rows::{DELETE_BATCH, EXPIRED_LOGIN_RETENTION},
};

pub(super) async fn delete_expired(
    pool: &PgPool,
    idle_cutoff: i64,
    now: i64,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for (table, condition, limit) in [
        ("sessions", "last_seen_at <= $1", idle_cutoff),
        ("sessions", "expires_at <= $1", now),
        ("pending_logins", "expires_at < $1", now - EXPIRED_LOGIN_RETENTION),
        ("used_logout_tokens", "expires_at < $1", now),
    ] {
        deleted += delete_batch(pool, table, condition, limit).await?;
    }
    Ok(deleted)
}

/// Skips rows that another server or a request has locked. `ARRAY` makes the subquery run once, so
/// that its limit applies.
async fn delete_batch(
    pool: &PgPool,
    table: &str,
    condition: &str,
    limit: i64,
) -> Result<u64, StoreError> {
    // Safe: built from constants.
    let statement = AssertSqlSafe(format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM {table} WHERE {condition} LIMIT $2 FOR UPDATE SKIP LOCKED))"
    ));
    Ok(sqlx::query(statement).bind(limit).bind(DELETE_BATCH).execute(pool).await?.rows_affected())
}
