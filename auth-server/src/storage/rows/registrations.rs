use sqlx::FromRow;

use super::{
    clients::{ClientRow, SecretRow},
    token_hash,
};
use crate::{
    domain::{Client, Registration},
    storage::StoreError,
};

pub const REGISTRATION: &str = "SELECT c.client_id, c.scopes, c.resources, c.introspects, c.token_format, c.login, \
     c.enabled, c.created_at, r.token IS NOT NULL AS dynamic, r.token, r.metadata, r.issued_at \
     FROM registrations r JOIN clients c USING (client_id) WHERE client_id = $1 AND c.enabled";
pub const SECRETS_OF_CLIENT: &str =
    "SELECT client_id, kind, hash, not_after FROM client_secrets WHERE client_id = $1";

#[derive(FromRow)]
pub struct RegistrationRow {
    #[sqlx(flatten)]
    client: ClientRow,
    token: Vec<u8>,
    metadata: String,
    issued_at: i64,
}

/// A registration with the secrets of its client.
pub fn registration(
    row: RegistrationRow,
    secrets: Vec<SecretRow>,
) -> Result<Registration, StoreError> {
    let mut client: Client = row.client.try_into()?;
    client.secrets = super::read(secrets)?;
    let metadata = serde_json::from_str(&row.metadata)?;
    Ok(Registration { client, metadata, token: token_hash(row.token)?, issued_at: row.issued_at })
}
