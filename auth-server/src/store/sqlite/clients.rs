use claims::Scope;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{
    domain::{Client, SecretHash, StoredSecret, TokenFormat},
    store::StoreError,
};

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<Client>, StoreError> {
    let rows = sqlx::query(
        "SELECT client_id, scopes, resources, introspects, token_format, login, enabled FROM clients ORDER BY client_id",
    );
    let mut clients = rows.fetch_all(pool).await?.iter().map(client).collect::<Result<Vec<_>, _>>()?;
    let secrets = sqlx::query("SELECT client_id, kind, hash, not_after FROM client_secrets ORDER BY created_at DESC");
    for row in secrets.fetch_all(pool).await? {
        let owner: &str = row.try_get("client_id")?;
        if let Some(client) = clients.iter_mut().find(|client| client.client_id == owner) {
            client.secrets.push(secret(&row)?);
        }
    }
    Ok(clients)
}

fn client(row: &SqliteRow) -> Result<Client, StoreError> {
    let unreadable = |what: &str| StoreError::Unavailable(format!("a stored client has an unreadable {what}"));
    let scopes: &str = row.try_get("scopes")?;
    let format: &str = row.try_get("token_format")?;
    Ok(Client {
        client_id: row.try_get("client_id")?,
        secrets: Vec::new(),
        scopes: scopes.parse::<Scope>().map_err(|_| unreadable("scope"))?,
        resources: serde_json::from_str(row.try_get("resources")?)?,
        introspects: serde_json::from_str(row.try_get("introspects")?)?,
        token_format: TokenFormat::parse(format).ok_or_else(|| unreadable("token format"))?,
        login: row.try_get::<Option<&str>, _>("login")?.map(serde_json::from_str).transpose()?,
        enabled: row.try_get("enabled")?,
    })
}

fn secret(row: &SqliteRow) -> Result<StoredSecret, StoreError> {
    let unreadable = || StoreError::Unavailable("a stored secret's hash is unreadable".to_owned());
    let (kind, hash): (&str, Vec<u8>) = (row.try_get("kind")?, row.try_get("hash")?);
    let hash = match kind {
        "sha256" => SecretHash::Sha256(hash.try_into().map_err(|_| unreadable())?),
        "argon2id" => SecretHash::Argon2id(String::from_utf8(hash).map_err(|_| unreadable())?),
        _ => return Err(unreadable()),
    };
    Ok(StoredSecret { hash, not_after: row.try_get("not_after")? })
}

pub(super) async fn add(pool: &SqlitePool, client: &Client, now: i64) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let inserted = sqlx::query(
        "INSERT INTO clients (client_id, scopes, resources, introspects, token_format, login, enabled, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (client_id) DO NOTHING",
    )
    .bind(&client.client_id)
    .bind(client.scopes.to_string())
    .bind(serde_json::to_string(&client.resources)?)
    .bind(serde_json::to_string(&client.introspects)?)
    .bind(client.token_format.as_str())
    .bind(client.login.as_ref().map(serde_json::to_string).transpose()?)
    .bind(client.enabled)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::ClientExists(client.client_id.clone()));
    }
    for secret in &client.secrets {
        insert_secret(&mut transaction, &client.client_id, &secret.hash, now).await?;
    }
    count_up(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn rotate_secret(
    pool: &SqlitePool,
    client_id: &str,
    new: &SecretHash,
    old_until: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let found = sqlx::query("SELECT 1 FROM clients WHERE client_id = $1").bind(client_id);
    if found.fetch_optional(&mut *transaction).await?.is_none() {
        return Err(StoreError::NoSuchClient(client_id.to_owned()));
    }
    // An old secret that already ends earlier is not given a longer life.
    sqlx::query("UPDATE client_secrets SET not_after = min(coalesce(not_after, $1), $1) WHERE client_id = $2")
        .bind(old_until.unwrap_or(now))
        .bind(client_id)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM client_secrets WHERE client_id = $1 AND not_after <= $2")
        .bind(client_id)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
    insert_secret(&mut transaction, client_id, new, now).await?;
    count_up(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn disable(pool: &SqlitePool, client_id: &str) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let changed = sqlx::query("UPDATE clients SET enabled = 0 WHERE client_id = $1").bind(client_id);
    if changed.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Err(StoreError::NoSuchClient(client_id.to_owned()));
    }
    count_up(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Tell all running servers that a client or a key has changed.
pub(super) async fn count_up(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE revision SET counter = counter + 1").execute(connection).await?;
    Ok(())
}

async fn insert_secret(
    connection: &mut SqliteConnection,
    client_id: &str,
    hash: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let (kind, bytes) = match hash {
        SecretHash::Sha256(hash) => ("sha256", hash.to_vec()),
        SecretHash::Argon2id(phc) => ("argon2id", phc.clone().into_bytes()),
        SecretHash::Keyed { .. } => {
            return Err(StoreError::Unavailable(
                "a secret of the clients file does not belong in the database".to_owned(),
            ));
        }
    };
    sqlx::query("INSERT INTO client_secrets (client_id, kind, hash, created_at) VALUES ($1, $2, $3, $4)")
        .bind(client_id)
        .bind(kind)
        .bind(bytes)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
