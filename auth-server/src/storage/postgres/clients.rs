use sqlx::{PgConnection, PgPool};

use super::{
    change, consents,
    grants::{self, Of},
};
use crate::{
    domain::{Client, SecretHash},
    storage::{
        StoreError,
        rows::{CLIENTS, SECRETS, hash_columns, with_secrets},
    },
};

pub(super) async fn all(pool: &PgPool) -> Result<Vec<Client>, StoreError> {
    let clients = sqlx::query_as(CLIENTS).fetch_all(pool).await?;
    with_secrets(clients, sqlx::query_as(SECRETS).fetch_all(pool).await?)
}

pub(super) async fn add(pool: &PgPool, client: &Client, now: i64) -> Result<(), StoreError> {
    let mut change = change::begin(pool).await?;
    insert(&mut change, client, now).await?;
    Ok(change.commit().await?)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    client: &Client,
    now: i64,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO clients (client_id, scopes, resources, introspects, token_format, login, enabled, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (client_id) DO NOTHING",
    )
    .bind(&client.client_id)
    .bind(client.scopes.to_string())
    .bind(serde_json::to_string(&client.resources)?)
    .bind(serde_json::to_string(&client.introspection_audiences)?)
    .bind(client.token_format.as_str())
    .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
    .bind(client.enabled)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::ClientExists(client.client_id.clone()));
    }
    for secret in &client.secrets {
        insert_secret(connection, &client.client_id, &secret.hash, now).await?;
    }
    Ok(())
}

pub(super) async fn rotate_secret(
    pool: &PgPool,
    client_id: &str,
    new: &SecretHash,
    old_until: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    let mut change = change::begin(pool).await?;
    let found = sqlx::query("SELECT 1 FROM clients WHERE client_id = $1").bind(client_id);
    if found.fetch_optional(&mut *change).await?.is_none() {
        return Err(StoreError::ClientNotFound(client_id.to_owned()));
    }
    // An old secret that already ends earlier is not given a longer life.
    sqlx::query("UPDATE client_secrets SET not_after = least(not_after, $1) WHERE client_id = $2")
        .bind(old_until.unwrap_or(now))
        .bind(client_id)
        .execute(&mut *change)
        .await?;
    sqlx::query("DELETE FROM client_secrets WHERE client_id = $1 AND not_after <= $2")
        .bind(client_id)
        .bind(now)
        .execute(&mut *change)
        .await?;
    insert_secret(&mut change, client_id, new, now).await?;
    Ok(change.commit().await?)
}

pub(super) async fn disable(pool: &PgPool, client_id: &str, now: i64) -> Result<(), StoreError> {
    let mut change = change::begin(pool).await?;
    let disabled =
        sqlx::query("UPDATE clients SET enabled = FALSE WHERE client_id = $1").bind(client_id);
    if disabled.execute(&mut *change).await?.rows_affected() == 0 {
        return Err(StoreError::ClientNotFound(client_id.to_owned()));
    }
    grants::revoke(&mut change, Of::Client(client_id), now).await?;
    Ok(change.commit().await?)
}

pub(super) async fn remove(pool: &PgPool, client_id: &str, now: i64) -> Result<(), StoreError> {
    let mut change = change::begin(pool).await?;
    let removed = sqlx::query("DELETE FROM clients WHERE client_id = $1").bind(client_id);
    if removed.execute(&mut *change).await?.rows_affected() == 0 {
        return Err(StoreError::ClientNotFound(client_id.to_owned()));
    }
    end_all(&mut change, client_id, now).await?;
    Ok(change.commit().await?)
}

/// Void all that users have allowed a client that is gone.
pub(super) async fn end_all(
    connection: &mut PgConnection,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    consents::forget_client(connection, client_id).await?;
    grants::revoke(connection, Of::Client(client_id), now).await
}

pub(super) async fn insert_secret(
    connection: &mut PgConnection,
    client_id: &str,
    hash: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let (kind, bytes) = hash_columns(hash)?;
    sqlx::query(
        "INSERT INTO client_secrets (client_id, kind, hash, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(client_id)
    .bind(kind)
    .bind(bytes)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
