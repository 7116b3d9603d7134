use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{consents::scope, sessions::hash};
use crate::{
    domain::{Device, DeviceAnswer, StoredDevice, TokenHash, UserGrant},
    store::StoreError,
};

/// What a device that asks too often has to wait for in addition (RFC 8628 §3.5).
const MORE_SECONDS: i64 = 5;

pub(super) async fn add(pool: &SqlitePool, device: &Device) -> Result<bool, StoreError> {
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

pub(super) async fn waiting(pool: &SqlitePool, user_code: &str, now: i64) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query(
        "SELECT hash, user_code, client_id, scope, resources, exp, poll_seconds FROM devices \
         WHERE user_code = $1 AND state = 'waiting' AND exp > $2",
    );
    row.bind(user_code).bind(now).fetch_optional(pool).await?.as_ref().map(device).transpose()
}

/// Tell a device what became of it, and note that it asked.
pub(super) async fn poll(pool: &SqlitePool, wanted: &TokenHash, now: i64) -> Result<Option<StoredDevice>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let row = sqlx::query(
        "SELECT d.hash, d.user_code, d.client_id, d.scope, d.resources, d.exp, d.poll_seconds, d.state, d.polled_at, \
         d.spent_at, d.grant_id FROM devices d WHERE d.hash = $1",
    );
    let Some(row) = row.bind(&wanted.0[..]).fetch_optional(&mut *transaction).await? else { return Ok(None) };
    let device = device(&row)?;
    let polled_at: Option<i64> = row.try_get("polled_at")?;
    let too_soon = polled_at.is_some_and(|before| now < before + device.poll_seconds);
    let poll_seconds = if too_soon { device.poll_seconds + MORE_SECONDS } else { device.poll_seconds };
    sqlx::query("UPDATE devices SET polled_at = $1, poll_seconds = $2 WHERE hash = $3")
        .bind(now)
        .bind(poll_seconds)
        .bind(&wanted.0[..])
        .execute(&mut *transaction)
        .await?;
    let answer = match row.try_get("state")? {
        "denied" => DeviceAnswer::Denied,
        "allowed" => {
            let (grant, revoked) = grant(&mut transaction, row.try_get("grant_id")?).await?;
            DeviceAnswer::Allowed { grant, revoked, spent: row.try_get::<Option<i64>, _>("spent_at")?.is_some() }
        }
        _ if too_soon => DeviceAnswer::TooSoon,
        _ => DeviceAnswer::Waiting,
    };
    transaction.commit().await?;
    Ok(Some(StoredDevice { device, answer }))
}

async fn grant(connection: &mut SqliteConnection, grant_id: &str) -> Result<(UserGrant, bool), StoreError> {
    let row = sqlx::query("SELECT * FROM grants WHERE grant_id = $1").bind(grant_id).fetch_one(connection).await?;
    Ok((super::grants::grant(&row)?, row.try_get::<Option<i64>, _>("revoked_at")?.is_some()))
}

fn device(row: &SqliteRow) -> Result<Device, StoreError> {
    Ok(Device {
        hash: hash(row)?,
        user_code: row.try_get("user_code")?,
        client_id: row.try_get("client_id")?,
        scope: scope(row)?,
        resources: serde_json::from_str(row.try_get("resources")?)?,
        exp: row.try_get("exp")?,
        poll_seconds: row.try_get("poll_seconds")?,
    })
}

/// The user has decided, with a grant or without. Nothing happens when somebody has decided before.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    device: &TokenHash,
    grant: Option<&UserGrant>,
    exp: i64,
) -> Result<(), StoreError> {
    let state = if grant.is_some() { "allowed" } else { "denied" };
    let decided = sqlx::query("UPDATE devices SET state = $1 WHERE hash = $2 AND state = 'waiting'");
    let decided = decided.bind(state).bind(&device.0[..]).execute(&mut *connection).await?;
    if decided.rows_affected() == 0 {
        return Err(StoreError::AlreadySpent);
    }
    if let Some(grant) = grant {
        super::grants::add_grant(&mut *connection, grant, exp).await?;
        let known = sqlx::query("UPDATE devices SET grant_id = $1 WHERE hash = $2");
        known.bind(&grant.grant_id).bind(&device.0[..]).execute(connection).await?;
    }
    Ok(())
}
