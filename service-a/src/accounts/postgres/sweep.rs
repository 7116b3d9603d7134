use sqlx::{AssertSqlSafe, PgPool};

use crate::accounts::{
    StoreError,
    rows::{REMEMBER_EXPIRED, SWEEP_BATCH},
};

pub(super) async fn sweep(pool: &PgPool, idle_since: i64, now: i64) -> Result<u64, StoreError> {
    let mut gone = 0;
    for (table, is_void, limit) in [
        ("sessions", "seen_at <= $1", idle_since),
        ("sessions", "expires_at <= $1", now),
        ("pending_logins", "expires_at < $1", now - REMEMBER_EXPIRED),
        ("logout_tokens", "expires_at < $1", now),
    ] {
        gone += forget(pool, table, is_void, limit).await?;
    }
    Ok(gone)
}

/// Rows that another server is sweeping, or a request is using, are left to it. The subquery stands
/// in an array so that it runs once, and its limit holds.
async fn forget(pool: &PgPool, table: &str, is_void: &str, limit: i64) -> Result<u64, StoreError> {
    // Made of constants alone.
    let statement = AssertSqlSafe(format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM {table} WHERE {is_void} LIMIT $2 FOR UPDATE SKIP LOCKED))"
    ));
    Ok(sqlx::query(statement).bind(limit).bind(SWEEP_BATCH).execute(pool).await?.rows_affected())
}
