use super::{
    backend::{Connection, Pool, begin},
    revision,
};
use crate::{
    domain::{NewKey, SigningKey},
    storage::{
        StoreError,
        sql::{
            decode,
            keys::{
                ACTIVATE_KEY, ANY_KEY, CURRENT_KEY, DELETE_RETIRED_KEYS, INSERT_KEY, KEYS, KeyRow,
                NEXT_OR_CURRENT_KEY, PROMOTE_NEXT_KEY, RETIRE_KEY, WITHDRAW_KEY,
            },
        },
    },
};

pub(super) async fn all(pool: &Pool) -> Result<Vec<SigningKey>, StoreError> {
    decode(sqlx::query_as::<_, KeyRow>(KEYS).fetch_all(pool).await?)
}

pub(super) async fn install(
    connection: &mut Connection,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    if sqlx::query(ANY_KEY).fetch_optional(&mut *connection).await?.is_some() {
        return Err(StoreError::KeysChanged);
    }
    insert(connection, current, "current", now).await?;
    insert(connection, next, "next", now).await?;
    revision::bump(connection).await
}

pub(super) async fn publish(
    connection: &mut Connection,
    key: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let existing = sqlx::query(NEXT_OR_CURRENT_KEY).bind(key.algorithm.as_str());
    if existing.fetch_optional(&mut *connection).await?.is_some() {
        return Err(StoreError::KeysChanged);
    }
    insert(connection, key, "next", now).await?;
    revision::bump(connection).await
}

pub(super) async fn activate(
    connection: &mut Connection,
    kid: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let algorithm = new_next.algorithm.as_str();
    let existing = sqlx::query(CURRENT_KEY).bind(algorithm);
    if existing.fetch_optional(&mut *connection).await?.is_some() {
        return Err(StoreError::KeysChanged);
    }
    let activate = sqlx::query(ACTIVATE_KEY).bind(now).bind(kid).bind(algorithm);
    if activate.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::KeysChanged);
    }
    insert(connection, new_next, "next", now).await?;
    revision::bump(connection).await
}

pub(super) async fn rotate(
    connection: &mut Connection,
    current: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let algorithm = new_next.algorithm.as_str();
    let retire = sqlx::query(RETIRE_KEY).bind(now).bind(current).bind(algorithm);
    if retire.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::KeysChanged);
    }
    let promote = sqlx::query(PROMOTE_NEXT_KEY).bind(now).bind(algorithm);
    promote.execute(&mut *connection).await?;
    insert(connection, new_next, "next", now).await?;
    revision::bump(connection).await
}

pub(super) async fn withdraw(connection: &mut Connection, kid: &str) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let withdrawn = sqlx::query(WITHDRAW_KEY).bind(kid).execute(&mut *connection).await?;
    if withdrawn.rows_affected() == 0 {
        return Err(StoreError::KeysChanged);
    }
    revision::bump(connection).await
}

/// Deletes keys that were retired before this second.
pub(super) async fn delete_retired(pool: &Pool, before: i64) -> Result<u64, StoreError> {
    let mut transaction = begin(pool).await?;
    revision::lock(&mut transaction).await?;
    let delete = sqlx::query(DELETE_RETIRED_KEYS).bind(before);
    let deleted = delete.execute(&mut *transaction).await?.rows_affected();
    if deleted > 0 {
        revision::bump(&mut transaction).await?;
        transaction.commit().await?;
    }
    Ok(deleted)
}

async fn insert(
    connection: &mut Connection,
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
