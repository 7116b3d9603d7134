use super::{
    backend::{Connection, Pool},
    consents, grants, revision,
};
use crate::{
    domain::{Client, SecretHash, StoredSecret},
    storage::{
        StoreError,
        sql::{
            clients::{
                CLIENT_EXISTS, CLIENTS, DELETE_CLIENT, DELETE_EXPIRED_SECRETS, DISABLE_CLIENT,
                ENABLE_CLIENT, EXPIRE_SECRETS, INSERT_CLIENT, INSERT_SECRET, SECRETS,
                UPDATE_CLIENT, hash_columns, with_secrets,
            },
            grants::GrantSelector,
        },
    },
};

pub(super) async fn all(pool: &Pool) -> Result<Vec<Client>, StoreError> {
    let clients = sqlx::query_as(CLIENTS).fetch_all(pool).await?;
    with_secrets(clients, sqlx::query_as(SECRETS).fetch_all(pool).await?)
}

pub(super) async fn add(
    connection: &mut Connection,
    client: &Client,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    insert(connection, client, now).await?;
    revision::bump(connection).await
}

pub(super) async fn insert(
    connection: &mut Connection,
    client: &Client,
    now: i64,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(INSERT_CLIENT)
        .bind(&client.client_id)
        .bind(client.scopes.to_string())
        .bind(client.default_scope.as_ref().map(ToString::to_string))
        .bind(serde_json::to_string(&client.resources)?)
        .bind(client.default_resource.as_deref())
        .bind(serde_json::to_string(&client.introspection_audiences)?)
        .bind(serde_json::to_string(&client.token_exchange)?)
        .bind(client.token_format.as_str())
        .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
        .bind(client.enabled)
        .bind(serde_json::to_string(&client.attributes)?)
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::ClientExists(client.client_id.clone()));
    }
    insert_secrets(connection, &client.client_id, &client.secrets, now).await
}

pub(super) async fn rotate_secret(
    connection: &mut Connection,
    client_id: &str,
    new: &SecretHash,
    old_until: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    lock_existing(connection, client_id).await?;
    let expire = sqlx::query(EXPIRE_SECRETS).bind(old_until.unwrap_or(now)).bind(client_id);
    expire.execute(&mut *connection).await?;
    let delete = sqlx::query(DELETE_EXPIRED_SECRETS).bind(client_id).bind(now);
    delete.execute(&mut *connection).await?;
    insert_secret(connection, client_id, new, None, now).await?;
    revision::bump(connection).await
}

pub(super) async fn disable(
    connection: &mut Connection,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let disabled = sqlx::query(DISABLE_CLIENT).bind(client_id);
    ensure_found(client_id, disabled.execute(&mut *connection).await?.rows_affected())?;
    grants::revoke(connection, GrantSelector::Client(client_id), now).await?;
    revision::bump(connection).await
}

/// Enables a client. Its earlier access tokens stay invalid.
pub(super) async fn enable(connection: &mut Connection, client_id: &str) -> Result<(), StoreError> {
    lock_existing(connection, client_id).await?;
    sqlx::query(ENABLE_CLIENT).bind(client_id).execute(&mut *connection).await?;
    revision::bump(connection).await
}

pub(super) async fn update(
    connection: &mut Connection,
    client: &Client,
    read_at: i64,
) -> Result<(), StoreError> {
    if revision::lock(connection).await? != read_at {
        return Err(StoreError::ChangedSinceRead);
    }
    let updated = sqlx::query(UPDATE_CLIENT)
        .bind(&client.client_id)
        .bind(client.scopes.to_string())
        .bind(client.default_scope.as_ref().map(ToString::to_string))
        .bind(serde_json::to_string(&client.resources)?)
        .bind(client.default_resource.as_deref())
        .bind(serde_json::to_string(&client.introspection_audiences)?)
        .bind(serde_json::to_string(&client.token_exchange)?)
        .bind(client.token_format.as_str())
        .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
        .bind(serde_json::to_string(&client.attributes)?)
        .execute(&mut *connection)
        .await?;
    ensure_found(&client.client_id, updated.rows_affected())?;
    revision::bump(connection).await
}

async fn lock_existing(connection: &mut Connection, client_id: &str) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let found = sqlx::query(CLIENT_EXISTS).bind(client_id).fetch_optional(connection).await?;
    ensure_found(client_id, u64::from(found.is_some()))
}

pub(super) fn ensure_found(client_id: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::ClientNotFound(client_id.to_owned())) } else { Ok(()) }
}

pub(super) async fn remove(
    connection: &mut Connection,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let deleted = sqlx::query(DELETE_CLIENT).bind(client_id).execute(&mut *connection).await?;
    ensure_found(client_id, deleted.rows_affected())?;
    revoke_all(connection, client_id, now).await?;
    revision::bump(connection).await
}

/// Deletes the consents to a deleted client and revokes its grants.
pub(super) async fn revoke_all(
    connection: &mut Connection,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    consents::delete_of_client(connection, client_id).await?;
    grants::revoke(connection, GrantSelector::Client(client_id), now).await
}

pub(super) async fn insert_secrets(
    connection: &mut Connection,
    client_id: &str,
    secrets: &[StoredSecret],
    now: i64,
) -> Result<(), StoreError> {
    for secret in secrets {
        insert_secret(connection, client_id, &secret.hash, secret.not_after, now).await?;
    }
    Ok(())
}

async fn insert_secret(
    connection: &mut Connection,
    client_id: &str,
    hash: &SecretHash,
    not_after: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    let (kind, bytes) = hash_columns(hash)?;
    let insert = sqlx::query(INSERT_SECRET).bind(client_id).bind(kind).bind(bytes).bind(now);
    insert.bind(not_after).execute(connection).await?;
    Ok(())
}
