use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

use crate::{
    domain::{AuditEvent, AuditQuery, AuditRecord},
    storage::{
        StoreError,
        sql::{
            audit_log::{AUDIT_RECORDS, AuditRow, SIGN_IN_ADDRESSES, address_counts},
            decode,
        },
    },
};

pub(super) async fn insert(
    executor: impl PgExecutor<'_>,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_log \
         (at_millis, event, outcome, actor, client_id, sub, kid, jti, scope, members, address, error, count) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(record.at_millis)
    .bind(record.event.as_str())
    .bind(record.outcome.as_str())
    .bind(record.actor.as_ref().map(ToString::to_string))
    .bind(&record.client_id)
    .bind(&record.sub)
    .bind(&record.kid)
    .bind(&record.jti)
    .bind(&record.scope)
    .bind(&record.members)
    .bind(&record.address)
    .bind(&record.error)
    .bind(i64::from(record.count))
    .execute(executor)
    .await?;
    Ok(())
}

pub(super) async fn insert_all(
    connection: &mut PgConnection,
    records: &[&AuditRecord],
) -> Result<(), StoreError> {
    for record in records {
        insert(&mut *connection, record).await?;
    }
    Ok(())
}

/// Returns the records that match, newest first.
pub(super) async fn find(
    pool: &PgPool,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, StoreError> {
    // Made of constants.
    let statement = format!("{AUDIT_RECORDS} ORDER BY at_millis DESC, id DESC LIMIT $7");
    let records = sqlx::query_as(AssertSqlSafe(statement))
        .bind(&query.client_id)
        .bind(&query.sub)
        .bind(&query.jti)
        .bind(query.event.map(AuditEvent::as_str))
        .bind(query.since_millis.unwrap_or(i64::MIN))
        .bind(query.until_millis.unwrap_or(i64::MAX))
        .bind(i64::from(query.limit))
        // Plans the query for these parameters, so that it uses the indexes of those that are set.
        .persistent(false);
    decode::<AuditRow, _>(records.fetch_all(pool).await?)
}

/// Returns the addresses of sign-ins among the last records, each with its count.
pub(super) async fn sign_in_addresses(pool: &PgPool) -> Result<Vec<(String, u64)>, StoreError> {
    Ok(address_counts(sqlx::query_as(SIGN_IN_ADDRESSES).fetch_all(pool).await?))
}
