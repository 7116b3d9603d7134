use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};

use super::batch;
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

pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    records: &[&AuditRecord],
) -> Result<(), StoreError> {
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            (
                (record.at_millis, record.event.as_str(), record.outcome.as_str()),
                (&record.actor, &record.client_id, &record.sub, &record.kid),
                (&record.jti, &record.scope, &record.address, &record.error),
                (record.count, &record.members),
            )
        })
        .collect();
    batch::execute(connection, INSERT, &rows).await
}

/// Returns the records that match, newest first.
pub(super) async fn find(
    pool: &SqlitePool,
    query: &AuditQuery,
) -> Result<Vec<AuditRecord>, StoreError> {
    // Made of constants.
    let records =
        sqlx::query_as(AssertSqlSafe(format!("{AUDIT_RECORDS} ORDER BY id DESC LIMIT $7")))
            .bind(&query.client_id)
            .bind(&query.sub)
            .bind(&query.jti)
            .bind(query.event.map(AuditEvent::as_str))
            .bind(query.since_millis.unwrap_or(i64::MIN))
            .bind(query.until_millis.unwrap_or(i64::MAX))
            .bind(query.limit);
    decode::<AuditRow, _>(records.fetch_all(pool).await?)
}

/// Returns the addresses of sign-ins among the last records, each with its count.
pub(super) async fn sign_in_addresses(pool: &SqlitePool) -> Result<Vec<(String, u64)>, StoreError> {
    Ok(address_counts(sqlx::query_as(SIGN_IN_ADDRESSES).fetch_all(pool).await?))
}

const INSERT: &str = "INSERT INTO audit_log \
     (at_millis, event, outcome, actor, client_id, sub, kid, jti, scope, address, error, count, members) \
     SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[1][0]', value ->> '$[1][1]', \
     value ->> '$[1][2]', value ->> '$[1][3]', value ->> '$[2][0]', value ->> '$[2][1]', value ->> '$[2][2]', \
     value ->> '$[2][3]', value ->> '$[3][0]', value ->> '$[3][1]' FROM json_each($1)";
