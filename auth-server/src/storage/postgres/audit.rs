use sqlx::{PgExecutor, PgPool};

use crate::{
    domain::{AuditQuery, AuditRecord},
    storage::{
        StoreError,
        rows::{self, AuditRow},
    },
};

pub(super) async fn insert(
    executor: impl PgExecutor<'_>,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (at_millis, event, outcome, client_id, sub, jti, scope, address, error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(record.at_millis)
    .bind(record.event.as_str())
    .bind(record.outcome.as_str())
    .bind(&record.client_id)
    .bind(&record.sub)
    .bind(&record.jti)
    .bind(&record.scope)
    .bind(&record.address)
    .bind(&record.error)
    .execute(executor)
    .await?;
    Ok(())
}

pub(super) async fn find(
    pool: &PgPool,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, StoreError> {
    let found = sqlx::query_as(
        "SELECT at_millis, event, outcome, client_id, sub, jti, scope, address, error FROM audit \
         WHERE ($1 IS NULL OR client_id = $1) AND ($2 IS NULL OR sub = $2) AND ($3 IS NULL OR jti = $3) \
         AND at_millis BETWEEN $4 AND $5 ORDER BY at_millis DESC, id DESC LIMIT $6",
    )
    .bind(&query.client_id)
    .bind(&query.sub)
    .bind(&query.jti)
    .bind(query.since_millis.unwrap_or(i64::MIN))
    .bind(query.until_millis.unwrap_or(i64::MAX))
    .bind(i64::from(query.limit))
    // Planned anew each time, for the parameters that were given.
    .persistent(false);
    rows::read::<AuditRow, _>(found.fetch_all(pool).await?)
}
