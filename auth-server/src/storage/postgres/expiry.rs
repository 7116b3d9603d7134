use sqlx::{AssertSqlSafe, PgPool};

use super::keys;
use crate::storage::{RetentionCutoffs, StoreError};

/// Maximum number of rows of a table that are deleted at once, so that no lock is held for long.
const BATCH: i64 = 500;

pub(super) async fn delete_expired(
    pool: &PgPool,
    before: RetentionCutoffs,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for (table, condition, cutoff) in [
        ("opaque_access_tokens", "exp < $1", before.tokens),
        ("revoked_access_tokens", "exp < $1", before.revocations),
        // Deletes the authorization codes of the grants too.
        ("grants", "delete_after < $1", before.tokens),
        ("device_authorizations", "exp < $1 AND state <> 'approved'", before.tokens),
        ("pushed_authorization_requests", "exp < $1", before.tokens),
        ("used_request_objects", "exp < $1", before.revocations),
        ("backchannel_logout_queue", "exp < $1", before.tokens),
        ("sessions", "last_seen < $1", before.sessions),
        ("audit_log", "at_millis < $1", before.audit_millis),
    ] {
        deleted += delete(pool, table, condition, cutoff).await?;
    }
    // Full buckets, by the time of the database.
    deleted += sqlx::query("DELETE FROM rate_limits WHERE full_at < clock_timestamp()")
        .execute(pool)
        .await?
        .rows_affected();
    // A server that has ended does not come back under its id.
    deleted += sqlx::query(
        "DELETE FROM running_servers WHERE seen_at < clock_timestamp() - INTERVAL '1 minute'",
    )
    .execute(pool)
    .await?
    .rows_affected();
    Ok(deleted + keys::delete_retired(pool, before.keys).await?)
}

/// Skips rows that another server is deleting or a request is using. The subquery is in an array,
/// so that it runs only once and its limit holds.
async fn delete(
    pool: &PgPool,
    table: &str,
    condition: &str,
    cutoff: i64,
) -> Result<u64, StoreError> {
    // Made of constants.
    let statement = AssertSqlSafe(format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM {table} WHERE {condition} LIMIT $2 FOR UPDATE SKIP LOCKED))"
    ));
    Ok(sqlx::query(statement).bind(cutoff).bind(BATCH).execute(pool).await?.rows_affected())
}
