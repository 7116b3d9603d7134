use sqlx::AssertSqlSafe;

use super::{
    backend::{Connection, FOR_UPDATE, Pool, begin},
    grants,
};
use crate::{
    domain::{DeviceAuthorization, StoredDeviceAuthorization, TokenHash, UserGrant},
    storage::{
        StoreError,
        sql::{
            devices::{
                DECIDE_DEVICE, DeviceRow, INSERT_DEVICE, PENDING_DEVICE, POLLED_DEVICE, PolledRow,
                RECORD_POLL, SET_DEVICE_GRANT, SLOW_DOWN_SECONDS,
            },
            grants::{GRANT, GrantRow},
        },
    },
};

pub(super) async fn add(pool: &Pool, device: &DeviceAuthorization) -> Result<bool, StoreError> {
    let inserted = sqlx::query(INSERT_DEVICE)
        .bind(&device.hash.0[..])
        .bind(&device.user_code)
        .bind(&device.client_id)
        .bind(device.scope.to_string())
        .bind(serde_json::to_string(&device.resources)?)
        .bind(device.exp)
        .bind(device.poll_interval_seconds)
        .execute(pool)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn pending(
    pool: &Pool,
    user_code: &str,
    now: i64,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row: Option<DeviceRow> =
        sqlx::query_as(PENDING_DEVICE).bind(user_code).bind(now).fetch_optional(pool).await?;
    row.map(DeviceAuthorization::try_from).transpose()
}

/// Returns the status of a device authorization and records the poll.
pub(super) async fn poll(
    pool: &Pool,
    hash: &TokenHash,
    client_id: &str,
    now: i64,
) -> Result<Option<StoredDeviceAuthorization>, StoreError> {
    let mut transaction = begin(pool).await?;
    // Serializes polls of the same device.
    let lock = format!("SELECT 1 FROM device_authorizations WHERE hash = $1 {FOR_UPDATE}");
    sqlx::query(AssertSqlSafe(lock)).bind(&hash.0[..]).execute(&mut *transaction).await?;
    let row = sqlx::query_as(POLLED_DEVICE).bind(&hash.0[..]).bind(client_id);
    let row: Option<PolledRow> = row.fetch_optional(&mut *transaction).await?;
    let Some(row) = row else { return Ok(None) };
    let too_soon = row.is_too_soon(now);
    sqlx::query(RECORD_POLL)
        .bind(now)
        .bind(if too_soon { SLOW_DOWN_SECONDS } else { 0 })
        .bind(&hash.0[..])
        .execute(&mut *transaction)
        .await?;
    let grant: Option<GrantRow> =
        sqlx::query_as(GRANT).bind(&row.grant_id).fetch_optional(&mut *transaction).await?;
    transaction.commit().await?;
    row.status(too_soon, grant).map(Some)
}

/// Approves with a grant, or denies without.
pub(super) async fn decide(
    connection: &mut Connection,
    device: &TokenHash,
    grant: Option<&UserGrant>,
    exp: i64,
) -> Result<(), StoreError> {
    let state = if grant.is_some() { "approved" } else { "denied" };
    let decide = sqlx::query(DECIDE_DEVICE).bind(state).bind(&device.0[..]);
    if decide.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::AlreadyConsumed);
    }
    if let Some(grant) = grant {
        grants::add(&mut *connection, grant, exp).await?;
        let update = sqlx::query(SET_DEVICE_GRANT).bind(&grant.grant_id).bind(&device.0[..]);
        update.execute(connection).await?;
    }
    Ok(())
}
