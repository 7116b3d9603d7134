use sqlx::SqlitePool;

use super::keys;
use crate::storage::{RetentionCutoffs, StoreError};

/// Maximum number of rows of a table that are deleted at once, so that the writer is not blocked
/// for long.
const BATCH: i64 = 500;

pub(super) async fn delete_expired(
    pool: &SqlitePool,
    before: RetentionCutoffs,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for (statement, cutoff) in [
        (
            "DELETE FROM opaque_access_tokens WHERE hash IN (SELECT hash FROM opaque_access_tokens WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM revoked_access_tokens WHERE jti IN (SELECT jti FROM revoked_access_tokens WHERE exp < $1 LIMIT $2)",
            before.revocations,
        ),
        // Deletes the authorization codes of the grants too.
        (
            "DELETE FROM grants WHERE grant_id IN (SELECT grant_id FROM grants WHERE delete_after < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM device_authorizations WHERE hash IN \
             (SELECT hash FROM device_authorizations WHERE exp < $1 AND state <> 'approved' LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM pushed_authorization_requests WHERE hash IN \
             (SELECT hash FROM pushed_authorization_requests WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM used_request_objects WHERE hash IN \
             (SELECT hash FROM used_request_objects WHERE exp < $1 LIMIT $2)",
            before.revocations,
        ),
        (
            "DELETE FROM backchannel_logout_queue WHERE (sid, client_id) IN \
             (SELECT sid, client_id FROM backchannel_logout_queue WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE last_seen < $1 LIMIT $2)",
            before.sessions,
        ),
        (
            "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at_millis < $1 LIMIT $2)",
            before.audit_millis,
        ),
    ] {
        let delete = sqlx::query(statement).bind(cutoff).bind(BATCH);
        deleted += delete.execute(pool).await?.rows_affected();
    }
    Ok(deleted + keys::delete_retired(pool, before.keys).await?)
}
