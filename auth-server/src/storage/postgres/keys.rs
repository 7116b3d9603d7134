use sqlx::{PgConnection, PgPool};

use super::change;
use crate::{
    domain::{NewKey, SigningKey},
    storage::{
        StoreError,
        rows::{self, KEYS, KeyRow, WITHDRAW_KEY},
    },
};

pub(super) async fn all(pool: &PgPool) -> Result<Vec<SigningKey>, StoreError> {
    rows::read(sqlx::query_as::<_, KeyRow>(KEYS).fetch_all(pool).await?)
}

pub(super) async fn install(
    pool: &PgPool,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let mut change = change::begin(pool).await?;
    let signs =
        sqlx::query("SELECT 1 FROM signing_keys WHERE state = 'current' AND algorithm = $1");
    if signs.bind(current.algorithm.as_str()).fetch_optional(&mut *change).await?.is_some() {
        return Ok(false);
    }
    insert(&mut change, current, "current", now).await?;
    insert(&mut change, next, "next", now).await?;
    change.commit().await?;
    Ok(true)
}

pub(super) async fn rotate(
    pool: &PgPool,
    expected_current: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let mut change = change::begin(pool).await?;
    let algorithm = new_next.algorithm.as_str();
    let retired = sqlx::query(
        "UPDATE signing_keys SET state = 'retired', state_since = $1 \
         WHERE kid = $2 AND state = 'current' AND algorithm = $3",
    );
    let retired =
        retired.bind(now).bind(expected_current).bind(algorithm).execute(&mut *change).await?;
    if retired.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE signing_keys SET state = 'current', state_since = $1 WHERE state = 'next' AND algorithm = $2")
        .bind(now)
        .bind(algorithm)
        .execute(&mut *change)
        .await?;
    insert(&mut change, new_next, "next", now).await?;
    change.commit().await?;
    Ok(true)
}

pub(super) async fn withdraw(pool: &PgPool, kid: &str) -> Result<bool, StoreError> {
    let mut change = change::begin(pool).await?;
    let gone = sqlx::query(WITHDRAW_KEY).bind(kid).execute(&mut *change).await?.rows_affected();
    change.commit().await?;
    Ok(gone > 0)
}

pub(super) async fn forget_retired(pool: &PgPool, before: i64) -> Result<u64, StoreError> {
    let mut change = change::begin(pool).await?;
    let gone = sqlx::query("DELETE FROM signing_keys WHERE state = 'retired' AND state_since < $1")
        .bind(before);
    let gone = gone.execute(&mut *change).await?.rows_affected();
    if gone > 0 {
        change.commit().await?;
    }
    Ok(gone)
}

async fn insert(
    connection: &mut PgConnection,
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
