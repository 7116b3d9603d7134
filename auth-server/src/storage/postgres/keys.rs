use sqlx::{PgConnection, PgPool};

use super::revision;
use crate::{
    domain::{NewKey, SigningKey},
    storage::{
        StoreError,
        sql::{
            decode,
            keys::{
                CURRENT_KEY, DELETE_RETIRED_KEYS, INSERT_KEY, KEYS, KeyRow, PROMOTE_NEXT_KEY,
                RETIRE_KEY, WITHDRAW_KEY,
            },
        },
    },
};

pub(super) async fn all(pool: &PgPool) -> Result<Vec<SigningKey>, StoreError> {
    decode(sqlx::query_as::<_, KeyRow>(KEYS).fetch_all(pool).await?)
}

pub(super) async fn install(
    connection: &mut PgConnection,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::bump(connection).await?;
    let existing = sqlx::query(CURRENT_KEY).bind(current.algorithm.as_str());
    if existing.fetch_optional(&mut *connection).await?.is_some() {
        return Err(StoreError::KeysChanged);
    }
    insert(connection, current, "current", now).await?;
    insert(connection, next, "next", now).await
}

pub(super) async fn rotate(
    connection: &mut PgConnection,
    current: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::bump(connection).await?;
    let algorithm = new_next.algorithm.as_str();
    let retire = sqlx::query(RETIRE_KEY).bind(now).bind(current).bind(algorithm);
    if retire.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::KeysChanged);
    }
    let promote = sqlx::query(PROMOTE_NEXT_KEY).bind(now).bind(algorithm);
    promote.execute(&mut *connection).await?;
    insert(connection, new_next, "next", now).await
}

pub(super) async fn withdraw(connection: &mut PgConnection, kid: &str) -> Result<(), StoreError> {
    revision::bump(connection).await?;
    let withdrawn = sqlx::query(WITHDRAW_KEY).bind(kid).execute(&mut *connection).await?;
    if withdrawn.rows_affected() == 0 {
        return Err(StoreError::KeysChanged);
    }
    Ok(())
}

/// Deletes keys that were retired before this second.
pub(super) async fn delete_retired(pool: &PgPool, before: i64) -> Result<u64, StoreError> {
    let mut transaction = pool.begin().await?;
    revision::bump(&mut transaction).await?;
    let delete = sqlx::query(DELETE_RETIRED_KEYS).bind(before);
    let deleted = delete.execute(&mut *transaction).await?.rows_affected();
    if deleted > 0 {
        transaction.commit().await?;
    }
    Ok(deleted)
}

async fn insert(
    connection: &mut PgConnection,
    key: &NewKey,
    state: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_KEY)
        .bind(&key.kid)
        .bind(key.algorithm.as_str())
        .bind(&key.pkcs8[..])
        .bind(state)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
