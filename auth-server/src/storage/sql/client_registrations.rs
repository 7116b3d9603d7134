use sqlx::FromRow;

use super::{
    clients::{ClientRow, SecretRow},
    token_hash,
};
use crate::{
    domain::{Client, Registration},
    storage::StoreError,
};

pub const REGISTRATION: &str = "SELECT c.client_id, c.scopes, c.default_scope, c.resources, c.default_resource, c.introspection_audiences, c.token_exchange, c.token_format, c.attributes, c.login, \
     c.enabled, c.token_generation, r.token_hash IS NOT NULL AS dynamic, r.approved, r.token_hash, r.metadata, r.issued_at \
     FROM client_registrations r JOIN clients c USING (client_id) WHERE client_id = $1 AND c.enabled";
pub const SECRETS_OF_CLIENT: &str =
    "SELECT client_id, kind, hash, not_after FROM client_secrets WHERE client_id = $1";

pub const COUNT_REGISTRATIONS: &str = "SELECT count(*) FROM client_registrations";
pub const INSERT_REGISTRATION: &str = "INSERT INTO client_registrations (client_id, token_hash, metadata, issued_at, approved) \
     VALUES ($1, $2, $3, $4, FALSE)";
pub const APPROVE_REGISTRATION: &str =
    "UPDATE client_registrations SET approved = TRUE WHERE client_id = $1";
/// Only with the client's own registration access token. The operator has not approved the new
/// metadata.
pub const UPDATE_REGISTRATION: &str = "UPDATE client_registrations SET metadata = $1, approved = FALSE WHERE client_id = $2 AND token_hash = $3 \
     AND client_id IN (SELECT client_id FROM clients WHERE enabled)";
pub const UPDATE_REGISTERED_CLIENT: &str =
    "UPDATE clients SET scopes = $1, resources = $2, login = $3 WHERE client_id = $4";
/// Only with the client's own registration access token.
pub const DELETE_REGISTERED_CLIENT: &str = "DELETE FROM clients WHERE client_id = $1 AND enabled \
     AND client_id IN (SELECT client_id FROM client_registrations WHERE token_hash = $2)";

#[derive(FromRow)]
pub struct RegistrationRow {
    #[sqlx(flatten)]
    client: ClientRow,
    token_hash: Vec<u8>,
    metadata: String,
    issued_at: i64,
}

/// Decodes a registration with the secrets of its client.
pub fn registration(
    row: RegistrationRow,
    secrets: Vec<SecretRow>,
) -> Result<Registration, StoreError> {
    let mut client: Client = row.client.try_into()?;
    client.secrets = super::decode(secrets)?;
    let metadata = serde_json::from_str(&row.metadata)?;
    Ok(Registration {
        client,
        metadata,
        token: token_hash(row.token_hash)?,
        issued_at: row.issued_at,
    })
}
