use sqlx::FromRow;

use super::{scope, unreadable};
use crate::{
    domain::{Client, SecretHash, StoredSecret, TokenFormat},
    storage::StoreError,
};

pub const CLIENTS: &str = "SELECT c.client_id, c.scopes, c.default_scope, c.resources, c.default_resource, c.introspection_audiences, c.token_exchange, c.token_format, c.attributes, c.login, \
     c.enabled, c.token_generation, r.token_hash IS NOT NULL AS dynamic, coalesce(r.approved, TRUE) AS approved FROM clients c LEFT JOIN client_registrations r USING (client_id) ORDER BY c.client_id";
pub const CLIENT_EXISTS: &str = "SELECT 1 FROM clients WHERE client_id = $1";
/// The revision only grows, so no client has had the new generation before.
pub const INSERT_CLIENT: &str = "INSERT INTO clients \
     (client_id, scopes, default_scope, resources, default_resource, introspection_audiences, token_exchange, token_format, login, \
     enabled, token_generation, attributes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (SELECT counter + 1 FROM revision), $11) ON CONFLICT (client_id) DO NOTHING";
pub const DISABLE_CLIENT: &str = "UPDATE clients SET enabled = FALSE WHERE client_id = $1";
pub const ENABLE_CLIENT: &str = "UPDATE clients SET enabled = TRUE, token_generation = (SELECT counter + 1 FROM revision) WHERE client_id = $1 AND NOT enabled";
pub const UPDATE_CLIENT: &str = "UPDATE clients SET scopes = $2, default_scope = $3, resources = $4, default_resource = $5, \
     introspection_audiences = $6, token_exchange = $7, token_format = $8, login = $9, attributes = $10 WHERE client_id = $1";
pub const DELETE_CLIENT: &str = "DELETE FROM clients WHERE client_id = $1";
pub const INSERT_SECRET: &str = "INSERT INTO client_secrets (client_id, kind, hash, created_at, not_after) \
     VALUES ($1, $2, $3, $4, $5)";
/// A secret that already expires earlier keeps its expiry.
pub const EXPIRE_SECRETS: &str = "UPDATE client_secrets SET not_after = $1 WHERE client_id = $2 \
     AND (not_after IS NULL OR not_after > $1)";
pub const DELETE_EXPIRED_SECRETS: &str =
    "DELETE FROM client_secrets WHERE client_id = $1 AND not_after <= $2";
pub const DELETE_SECRETS: &str = "DELETE FROM client_secrets WHERE client_id = $1";
pub const SECRETS: &str =
    "SELECT client_id, kind, hash, not_after FROM client_secrets ORDER BY created_at DESC";

#[derive(FromRow)]
pub struct ClientRow {
    client_id: String,
    scopes: String,
    default_scope: Option<String>,
    resources: String,
    default_resource: Option<String>,
    introspection_audiences: String,
    token_exchange: String,
    token_format: String,
    attributes: String,
    login: Option<String>,
    dynamic: bool,
    approved: bool,
    token_generation: i64,
    enabled: bool,
}

#[derive(FromRow)]
pub struct SecretRow {
    client_id: String,
    kind: String,
    hash: Vec<u8>,
    not_after: Option<i64>,
}

/// Joins clients with their secrets. `clients` is sorted by client id.
pub fn with_secrets(
    clients: Vec<ClientRow>,
    secrets: Vec<SecretRow>,
) -> Result<Vec<Client>, StoreError> {
    let mut clients: Vec<Client> = super::decode(clients)?;
    for row in secrets {
        // The database sorts by bytes, as Rust does.
        if let Ok(index) = clients.binary_search_by(|client| client.client_id.cmp(&row.client_id)) {
            clients[index].secrets.push(row.try_into()?);
        }
    }
    Ok(clients)
}

/// Returns the columns `kind` and `hash` of a secret.
pub fn hash_columns(hash: &SecretHash) -> Result<(&'static str, &[u8]), StoreError> {
    match hash {
        SecretHash::Sha256(hash) => Ok(("sha256", hash)),
        SecretHash::Argon2id(phc) => Ok(("argon2id", phc.as_bytes())),
        SecretHash::Keyed { .. } => Err(StoreError::Unavailable(
            "a secret of the clients file is not stored in the database".to_owned(),
        )),
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        Ok(Self {
            client_id: row.client_id,
            secrets: Vec::new(),
            scopes: scope(&row.scopes)?,
            default_scope: row.default_scope.as_deref().map(scope).transpose()?,
            resources: serde_json::from_str(&row.resources)?,
            default_resource: row.default_resource,
            introspection_audiences: serde_json::from_str(&row.introspection_audiences)?,
            token_exchange: serde_json::from_str(&row.token_exchange)?,
            token_format: TokenFormat::parse(&row.token_format)
                .ok_or_else(|| unreadable("a token format"))?,
            attributes: serde_json::from_str(&row.attributes)?,
            login: row.login.as_deref().map(serde_json::from_str).transpose()?,
            dynamic: row.dynamic,
            approved: row.approved,
            token_generation: row.token_generation,
            enabled: row.enabled,
        })
    }
}

impl TryFrom<SecretRow> for StoredSecret {
    type Error = StoreError;

    fn try_from(row: SecretRow) -> Result<Self, StoreError> {
        let wrong = || unreadable("the hash of a secret");
        let hash = match row.kind.as_str() {
            "sha256" => SecretHash::Sha256(row.hash.try_into().map_err(|_| wrong())?),
            "argon2id" => SecretHash::Argon2id(String::from_utf8(row.hash).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        Ok(Self { hash, not_after: row.not_after })
    }
}
