use super::{
    backend::{Connection, Pool},
    clients, revision,
};
use crate::{
    domain::{Registration, TokenHash},
    storage::{
        RegistrationUpdate, StoreError,
        sql::{
            client_registrations::{
                APPROVE_REGISTRATION, COUNT_REGISTRATIONS, DELETE_REGISTERED_CLIENT,
                INSERT_REGISTRATION, REGISTRATION, RegistrationRow, SECRETS_OF_CLIENT,
                UPDATE_REGISTERED_CLIENT, UPDATE_REGISTRATION, registration,
            },
            clients::{DELETE_SECRETS, SecretRow},
        },
    },
};

pub(super) async fn one(pool: &Pool, client_id: &str) -> Result<Option<Registration>, StoreError> {
    let found: Option<RegistrationRow> =
        sqlx::query_as(REGISTRATION).bind(client_id).fetch_optional(pool).await?;
    let Some(row) = found else { return Ok(None) };
    let secrets: Vec<SecretRow> =
        sqlx::query_as(SECRETS_OF_CLIENT).bind(client_id).fetch_all(pool).await?;
    registration(row, secrets).map(Some)
}

pub(super) async fn add(
    connection: &mut Connection,
    registration: &Registration,
    max_clients: u32,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let Registration { client, metadata, token, issued_at } = registration;
    let count: i64 = sqlx::query_scalar(COUNT_REGISTRATIONS).fetch_one(&mut *connection).await?;
    if count >= i64::from(max_clients) {
        return Err(StoreError::RegistrationLimitReached);
    }
    clients::insert(connection, client, *issued_at).await?;
    sqlx::query(INSERT_REGISTRATION)
        .bind(&client.client_id)
        .bind(&token.0[..])
        .bind(serde_json::to_string(metadata)?)
        .bind(issued_at)
        .execute(&mut *connection)
        .await?;
    revision::bump(connection).await
}

/// Records that an operator approves a client.
pub(super) async fn approve(
    connection: &mut Connection,
    client_id: &str,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let approved =
        sqlx::query(APPROVE_REGISTRATION).bind(client_id).execute(&mut *connection).await?;
    clients::ensure_found(client_id, approved.rows_affected())?;
    revision::bump(connection).await
}

pub(super) async fn update(
    connection: &mut Connection,
    update: &RegistrationUpdate,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let RegistrationUpdate { registration: Registration { client, metadata, token, .. }, secrets } =
        update;
    let updated = sqlx::query(UPDATE_REGISTRATION)
        .bind(serde_json::to_string(metadata)?)
        .bind(&client.client_id)
        .bind(&token.0[..])
        .execute(&mut *connection)
        .await?;
    clients::ensure_found(&client.client_id, updated.rows_affected())?;
    sqlx::query(UPDATE_REGISTERED_CLIENT)
        .bind(client.scopes.to_string())
        .bind(serde_json::to_string(&client.resources)?)
        .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
        .bind(&client.client_id)
        .execute(&mut *connection)
        .await?;
    if let Some(secrets) = secrets {
        sqlx::query(DELETE_SECRETS).bind(&client.client_id).execute(&mut *connection).await?;
        clients::insert_secrets(connection, &client.client_id, secrets, now).await?;
    }
    revision::bump(connection).await
}

pub(super) async fn remove(
    connection: &mut Connection,
    client_id: &str,
    token: &TokenHash,
    now: i64,
) -> Result<(), StoreError> {
    revision::lock(connection).await?;
    let delete = sqlx::query(DELETE_REGISTERED_CLIENT).bind(client_id).bind(&token.0[..]);
    clients::ensure_found(client_id, delete.execute(&mut *connection).await?.rows_affected())?;
    clients::revoke_all(connection, client_id, now).await?;
    revision::bump(connection).await
}
