use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use zeroize::Zeroizing;

use super::clients::count_up;
use crate::{
    domain::{Algorithm, KeyState, NewKey, SigningKey},
    store::StoreError,
};

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<SigningKey>, StoreError> {
    let rows =
        sqlx::query("SELECT kid, algorithm, pkcs8, state, state_since FROM signing_keys ORDER BY state_since DESC")
            .fetch_all(pool)
            .await?;
    rows.iter().map(key).collect()
}

fn key(row: &SqliteRow) -> Result<SigningKey, StoreError> {
    let unknown =
        |what: &str, text: &str| StoreError::Unavailable(format!("a stored key has the unknown {what} `{text}`"));
    let since = row.try_get("state_since")?;
    let (algorithm, state): (&str, &str) = (row.try_get("algorithm")?, row.try_get("state")?);
    Ok(SigningKey {
        kid: row.try_get("kid")?,
        algorithm: Algorithm::parse(algorithm).ok_or_else(|| unknown("algorithm", algorithm))?,
        pkcs8: Zeroizing::new(row.try_get("pkcs8")?),
        state: match state {
            "next" => KeyState::Next,
            "current" => KeyState::Current { since },
            "retired" => KeyState::Retired { since },
            other => return Err(unknown("state", other)),
        },
    })
}

pub(super) async fn install(
    pool: &SqlitePool,
    expected_current: Option<&str>,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if current_kid(&mut transaction).await?.as_deref() != expected_current {
        return Ok(false);
    }
    sqlx::query("DELETE FROM signing_keys WHERE state = 'next'").execute(&mut *transaction).await?;
    retire_current(&mut transaction, now).await?;
    insert(&mut transaction, current, "current", now).await?;
    insert(&mut transaction, next, "next", now).await?;
    count_up(&mut transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn rotate(
    pool: &SqlitePool,
    expected_current: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if current_kid(&mut transaction).await?.as_deref() != Some(expected_current) {
        return Ok(false);
    }
    retire_current(&mut transaction, now).await?;
    sqlx::query("UPDATE signing_keys SET state = 'current', state_since = $1 WHERE state = 'next'")
        .bind(now)
        .execute(&mut *transaction)
        .await?;
    insert(&mut transaction, new_next, "next", now).await?;
    count_up(&mut transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn forget_retired(pool: &SqlitePool, before: i64) -> Result<u64, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let gone = sqlx::query("DELETE FROM signing_keys WHERE state = 'retired' AND state_since < $1")
        .bind(before)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    if gone > 0 {
        count_up(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(gone)
}

async fn current_kid(connection: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    let kid = sqlx::query_scalar("SELECT kid FROM signing_keys WHERE state = 'current'");
    Ok(kid.fetch_optional(connection).await?)
}

async fn retire_current(connection: &mut SqliteConnection, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE signing_keys SET state = 'retired', state_since = $1 WHERE state = 'current'")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, key: &NewKey, state: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO signing_keys (kid, algorithm, pkcs8, state, state_since) VALUES ($1, $2, $3, $4, $5)")
        .bind(&key.kid)
        .bind(key.algorithm.as_str())
        .bind(&key.pkcs8[..])
        .bind(state)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
