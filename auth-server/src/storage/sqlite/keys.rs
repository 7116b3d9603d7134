use sqlx::{SqliteConnection, SqlitePool};

use super::clients::count_up;
use crate::{
    domain::{NewKey, SigningKey},
    storage::{
        StoreError,
        rows::{self, KEYS, KeyRow, WITHDRAW_KEY},
    },
};

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<SigningKey>, StoreError> {
    rows::read(sqlx::query_as::<_, KeyRow>(KEYS).fetch_all(pool).await?)
}

pub(super) async fn install(
    pool: &SqlitePool,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let signs =
        sqlx::query("SELECT 1 FROM signing_keys WHERE state = 'current' AND algorithm = $1");
    if signs.bind(current.algorithm.as_str()).fetch_optional(&mut *transaction).await?.is_some() {
        return Ok(false);
    }
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
    let retired = sqlx::query(
        "UPDATE signing_keys SET state = 'retired', state_since = $1 WHERE kid = $2 AND state = 'current' AND algorithm = $3",
    );
    let algorithm = new_next.algorithm.as_str();
    let retired =
        retired.bind(now).bind(expected_current).bind(algorithm).execute(&mut *transaction).await?;
    if retired.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE signing_keys SET state = 'current', state_since = $1 WHERE state = 'next' AND algorithm = $2")
        .bind(now)
        .bind(algorithm)
        .execute(&mut *transaction)
        .await?;
    insert(&mut transaction, new_next, "next", now).await?;
    count_up(&mut transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn withdraw(pool: &SqlitePool, kid: &str) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let gone =
        sqlx::query(WITHDRAW_KEY).bind(kid).execute(&mut *transaction).await?.rows_affected();
    count_up(&mut transaction).await?;
    transaction.commit().await?;
    Ok(gone > 0)
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

async fn insert(
    connection: &mut SqliteConnection,
    key: &NewKey,
    state: &str,
    now: i64,
) -> Result<(), StoreError> {
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
