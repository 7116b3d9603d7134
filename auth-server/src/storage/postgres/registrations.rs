use sqlx::{PgConnection, PgPool};

use super::{change, clients};
use crate::{
    domain::{Registration, TokenHash},
    storage::{
        RegistrationUpdate, StoreError,
        rows::{self, REGISTRATION, RegistrationRow, SECRETS_OF_CLIENT, SecretRow},
    },
};

pub(super) async fn one(
    pool: &PgPool,
    client_id: &str,
) -> Result<Option<Registration>, StoreError> {
    let found: Option<RegistrationRow> =
        sqlx::query_as(REGISTRATION).bind(client_id).fetch_optional(pool).await?;
    let Some(row) = found else { return Ok(None) };
    let secrets: Vec<SecretRow> =
        sqlx::query_as(SECRETS_OF_CLIENT).bind(client_id).fetch_all(pool).await?;
    rows::registration(row, secrets).map(Some)
}

/// Add a client that registers itself, if fewer than `at_most` have. Nothing happens when not.
pub(super) async fn add(
    connection: &mut PgConnection,
    registration: &Registration,
    at_most: u32,
) -> Result<(), StoreError> {
    let Registration { client, metadata, token, issued_at } = registration;
    // From here on all such changes come one after the other, so the count holds.
    change::count(connection).await?;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM registrations")
        .fetch_one(&mut *connection)
        .await?;
    if count >= i64::from(at_most) {
        return Err(StoreError::RegistrationLimitReached);
    }
    clients::insert(connection, client, *issued_at).await?;
    sqlx::query(
        "INSERT INTO registrations (client_id, token, metadata, issued_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&client.client_id)
    .bind(&token.0[..])
    .bind(serde_json::to_string(metadata)?)
    .bind(issued_at)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Put what a client says anew in the place of what it said. Nothing happens when the token is not
/// its own.
pub(super) async fn change(
    connection: &mut PgConnection,
    changed: &RegistrationUpdate,
    now: i64,
) -> Result<(), StoreError> {
    let RegistrationUpdate { registration: Registration { client, metadata, token, .. }, secrets } =
        changed;
    change::count(connection).await?;
    let own = sqlx::query(
        "UPDATE registrations SET metadata = $1 WHERE client_id = $2 AND token = $3 \
         AND client_id IN (SELECT client_id FROM clients WHERE enabled)",
    );
    let own = own.bind(serde_json::to_string(metadata)?).bind(&client.client_id).bind(&token.0[..]);
    if own.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::ClientNotFound(client.client_id.clone()));
    }
    sqlx::query("UPDATE clients SET scopes = $1, resources = $2, login = $3 WHERE client_id = $4")
        .bind(client.scopes.to_string())
        .bind(serde_json::to_string(&client.resources)?)
        .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
        .bind(&client.client_id)
        .execute(&mut *connection)
        .await?;
    if let Some(secrets) = secrets {
        let gone =
            sqlx::query("DELETE FROM client_secrets WHERE client_id = $1").bind(&client.client_id);
        gone.execute(&mut *connection).await?;
        for secret in secrets {
            clients::insert_secret(connection, &client.client_id, &secret.hash, now).await?;
        }
    }
    Ok(())
}

/// Forget a client, and void all that it was allowed. Nothing happens when the token is not its
/// own.
pub(super) async fn remove(
    connection: &mut PgConnection,
    client_id: &str,
    token: &TokenHash,
    now: i64,
) -> Result<(), StoreError> {
    change::count(connection).await?;
    let own = sqlx::query(
        "DELETE FROM clients WHERE client_id = $1 AND enabled \
         AND client_id IN (SELECT client_id FROM registrations WHERE token = $2)",
    );
    if own.bind(client_id).bind(&token.0[..]).execute(&mut *connection).await?.rows_affected() == 0
    {
        return Err(StoreError::ClientNotFound(client_id.to_owned()));
    }
    clients::end_all(connection, client_id, now).await
}
