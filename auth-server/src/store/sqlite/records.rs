use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use crate::{
    domain::{AuditEvent, AuditQuery, AuditRecord, OpaqueToken, Outcome, TokenHash},
    store::{StoreError, SweepBefore},
};

/// So many rows of a kind go at once: a sweep never holds the writer for long.
const SWEEP_BATCH: i64 = 500;

pub(super) async fn opaque_token(pool: &SqlitePool, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
    let claims: Option<String> = sqlx::query_scalar("SELECT claims FROM opaque_tokens WHERE hash = $1")
        .bind(&hash.0[..])
        .fetch_optional(pool)
        .await?;
    claims.map(|json| Ok(OpaqueToken { hash: *hash, claims: serde_json::from_str(&json)? })).transpose()
}

pub(super) async fn is_revoked(pool: &SqlitePool, jti: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM revoked_tokens WHERE jti = $1").bind(jti).fetch_optional(pool).await?;
    Ok(found.is_some())
}

pub(super) async fn audit(pool: &SqlitePool, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
    // A condition on a parameter that was not given is true; SQLite plans each query anew for the ones that were.
    let rows = sqlx::query(
        "SELECT at_millis, event, outcome, client_id, sub, jti, scope, address, error FROM audit \
         WHERE ($1 IS NULL OR client_id = $1) AND ($2 IS NULL OR sub = $2) AND ($3 IS NULL OR jti = $3) \
         AND at_millis BETWEEN $4 AND $5 ORDER BY id DESC LIMIT $6",
    )
    .bind(&query.client_id)
    .bind(&query.sub)
    .bind(&query.jti)
    .bind(query.since_millis.unwrap_or(i64::MIN))
    .bind(query.until_millis.unwrap_or(i64::MAX))
    .bind(query.limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let unknown = |what: &str, text: &str| StoreError::Unavailable(format!("unknown audit {what} `{text}`"));
    let (event, outcome): (&str, &str) = (row.try_get("event")?, row.try_get("outcome")?);
    Ok(AuditRecord {
        at_millis: row.try_get("at_millis")?,
        event: AuditEvent::parse(event).ok_or_else(|| unknown("event", event))?,
        outcome: Outcome::parse(outcome).ok_or_else(|| unknown("outcome", outcome))?,
        client_id: row.try_get("client_id")?,
        sub: row.try_get("sub")?,
        jti: row.try_get("jti")?,
        scope: row.try_get("scope")?,
        address: row.try_get("address")?,
        error: row.try_get("error")?,
    })
}

pub(super) async fn sweep(pool: &SqlitePool, before: SweepBefore) -> Result<u64, StoreError> {
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
        // Its codes and tokens go with a grant.
        ("DELETE FROM grants WHERE grant_id IN (SELECT grant_id FROM grants WHERE exp < $1 LIMIT $2)", before.tokens),
        (
            "DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        ("DELETE FROM grant_tokens WHERE jti IN (SELECT jti FROM grant_tokens WHERE exp < $1 LIMIT $2)", before.tokens),
        (
            "DELETE FROM devices WHERE hash IN (SELECT hash FROM devices WHERE exp < $1 AND state <> 'allowed' LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM pushed_requests WHERE hash IN (SELECT hash FROM pushed_requests WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM used_once WHERE (kind, name) IN (SELECT kind, name FROM used_once WHERE exp < $1 LIMIT $2)",
            before.tokens,
        ),
        (
            "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE last_seen < $1 LIMIT $2)",
            before.sessions,
        ),
        ("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_millis < $1 LIMIT $2)", before.audit_millis),
    ] {
        gone += sqlx::query(statement).bind(limit).bind(SWEEP_BATCH).execute(pool).await?.rows_affected();
    }
    Ok(gone + super::keys::forget_retired(pool, before.keys).await?)
}
