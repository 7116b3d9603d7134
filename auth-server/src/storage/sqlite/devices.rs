use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    domain::{DeviceAuthorization, StoredDeviceAuthorization, TokenHash, UserGrant},
    storage::{
        StoreError,
        rows::{
            DeviceRow, GRANT, GrantRow, MORE_SECONDS, POLLED_DEVICE, PolledRow, WAITING_DEVICE,
        },
    },
};

pub(super) async fn add(
    pool: &SqlitePool,
    device: &DeviceAuthorization,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO devices (hash, user_code, client_id, scope, resources, state, exp, poll_seconds) \
         VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&device.hash.0[..])
    .bind(&device.user_code)
    .bind(&device.client_id)
    .bind(device.scope.to_string())
    .bind(serde_json::to_string(&device.resources)?)
    .bind(device.exp)
    .bind(device.poll_seconds)
    .execute(pool)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn waiting(
    pool: &SqlitePool,
    user_code: &str,
    now: i64,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row: Option<DeviceRow> =
        sqlx::query_as(WAITING_DEVICE).bind(user_code).bind(now).fetch_optional(pool).await?;
    row.map(DeviceAuthorization::try_from).transpose()
}

/// Tell a device what became of it, and note that it asked.
pub(super) async fn poll(
    pool: &SqlitePool,
    hash: &TokenHash,
    client_id: &str,
    now: i64,
) -> Result<Option<StoredDeviceAuthorization>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let row = sqlx::query_as(POLLED_DEVICE).bind(&hash.0[..]).bind(client_id);
    let row: Option<PolledRow> = row.fetch_optional(&mut *transaction).await?;
    let Some(row) = row else { return Ok(None) };
    let too_soon = row.is_too_soon(now);
    sqlx::query(
        "UPDATE devices SET polled_at = $1, poll_seconds = poll_seconds + $2 WHERE hash = $3",
    )
    .bind(now)
    .bind(if too_soon { MORE_SECONDS } else { 0 })
    .bind(&hash.0[..])
    .execute(&mut *transaction)
    .await?;
    let grant: Option<GrantRow> =
        sqlx::query_as(GRANT).bind(&row.grant_id).fetch_optional(&mut *transaction).await?;
    transaction.commit().await?;
    row.answer(too_soon, grant).map(Some)
}

/// The user has decided, with a grant or without. Nothing happens when somebody has decided before.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    device: &TokenHash,
    grant: Option<&UserGrant>,
    exp: i64,
) -> Result<(), StoreError> {
    let state = if grant.is_some() { "allowed" } else { "denied" };
    let decided =
        sqlx::query("UPDATE devices SET state = $1 WHERE hash = $2 AND state = 'waiting'");
    let decided = decided.bind(state).bind(&device.0[..]).execute(&mut *connection).await?;
    if decided.rows_affected() == 0 {
        return Err(StoreError::AlreadyConsumed);
    }
    if let Some(grant) = grant {
        super::grants::add_grant(&mut *connection, grant, exp).await?;
        let known = sqlx::query("UPDATE devices SET grant_id = $1 WHERE hash = $2");
        known.bind(&grant.grant_id).bind(&device.0[..]).execute(connection).await?;
    }
    Ok(())
}
