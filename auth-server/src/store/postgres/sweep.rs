use sqlx::PgPool;

use super::keys;
use crate::store::{StoreError, SweepBefore};

/// So many rows of a kind go at once: a sweep never holds others up for long.
const BATCH: i64 = 500;

/// What goes, and before which moment.
type Statement = (&'static str, fn(&SweepBefore) -> i64);

/// Rows that another server is sweeping, or a request is using, are left to it. The subquery stands in an array so that it
/// runs once, and its limit holds.
const STATEMENTS: [Statement; 10] = [
    (
        "DELETE FROM opaque_tokens WHERE hash = ANY (ARRAY( \
         SELECT hash FROM opaque_tokens WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM revoked_tokens WHERE jti = ANY (ARRAY( \
         SELECT jti FROM revoked_tokens WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    // Its codes and tokens go with a grant.
    (
        "DELETE FROM grants WHERE grant_id = ANY (ARRAY( \
         SELECT grant_id FROM grants WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM refresh_tokens WHERE hash = ANY (ARRAY( \
         SELECT hash FROM refresh_tokens WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM grant_tokens WHERE jti = ANY (ARRAY( \
         SELECT jti FROM grant_tokens WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM devices WHERE hash = ANY (ARRAY( \
         SELECT hash FROM devices WHERE exp < $1 AND state <> 'allowed' LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM pushed_requests WHERE hash = ANY (ARRAY( \
         SELECT hash FROM pushed_requests WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM used_once WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM used_once WHERE exp < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.tokens,
    ),
    (
        "DELETE FROM sessions WHERE hash = ANY (ARRAY( \
         SELECT hash FROM sessions WHERE last_seen < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.sessions,
    ),
    (
        "DELETE FROM audit WHERE id = ANY (ARRAY( \
         SELECT id FROM audit WHERE at_millis < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        |before| before.audit_millis,
    ),
];

pub(super) async fn sweep(pool: &PgPool, before: SweepBefore) -> Result<u64, StoreError> {
    let mut gone = 0;
    for (statement, limit) in STATEMENTS {
        let rows = sqlx::query(statement).bind(limit(&before)).bind(BATCH).execute(pool).await?;
        gone += rows.rows_affected();
    }
    Ok(gone + keys::forget_retired(pool, before.keys).await?)
}
