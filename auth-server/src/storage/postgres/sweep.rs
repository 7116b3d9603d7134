use sqlx::{AssertSqlSafe, PgPool};

use super::keys;
use crate::storage::{RetentionCutoffs, StoreError};

/// So many rows of a kind go at once: a sweep never holds others up for long.
const BATCH: i64 = 500;

pub(super) async fn delete_expired(
    pool: &PgPool,
    before: RetentionCutoffs,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for (table, is_void, limit) in [
        ("opaque_tokens", "exp < $1", before.tokens),
        ("revoked_tokens", "exp < $1", before.tokens),
        // Its codes go with a grant.
        ("grants", "kept_until < $1", before.tokens),
        ("devices", "exp < $1 AND state <> 'allowed'", before.tokens),
        ("pushed_requests", "exp < $1", before.tokens),
        ("logout_news", "exp < $1", before.tokens),
        ("sessions", "last_seen < $1", before.sessions),
        ("audit", "at_millis < $1", before.audit_millis),
    ] {
        gone += forget(pool, table, is_void, limit).await?;
    }
    Ok(gone + keys::forget_retired(pool, before.keys).await?)
}

/// Rows that another server is sweeping, or a request is using, are left to it. The subquery stands
/// in an array so that it runs once, and its limit holds.
async fn forget(pool: &PgPool, table: &str, is_void: &str, limit: i64) -> Result<u64, StoreError> {
    // Made of constants alone.
    let statement = AssertSqlSafe(format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM {table} WHERE {is_void} LIMIT $2 FOR UPDATE SKIP LOCKED))"
    ));
    Ok(sqlx::query(statement).bind(limit).bind(BATCH).execute(pool).await?.rows_affected())
}
