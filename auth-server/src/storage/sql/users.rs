use sqlx::FromRow;

use crate::{
    domain::{SecretHash, User},
    storage::StoreError,
};

pub const INSTALLATION: &str = "SELECT secret, issuer FROM installation_secret";
/// The secret stays if there is one.
pub const UPDATE_INSTALLATION: &str = "INSERT INTO installation_secret (id, secret, issuer) \
     VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET issuer = excluded.issuer RETURNING secret";
/// Without the rows, which `IF_MISSING` follows.
pub const INSERT_USERS: &str = "INSERT INTO users \
     (sub, username, password_hash, claims, enabled, created_at, updated_at, device_generation, attributes) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BOOLEAN), \
     CAST($2 AS BIGINT), CAST($2 AS BIGINT), CAST(value ->> 5 AS BIGINT), value ->> 6 FROM";
pub const IF_MISSING: &str = "WHERE true ON CONFLICT DO NOTHING RETURNING sub";
pub const SET_PASSWORD: &str =
    "UPDATE users SET password_hash = $1, updated_at = $2 WHERE sub = $3";
pub const ENABLE_OR_DISABLE_USER: &str =
    "UPDATE users SET enabled = $1, updated_at = $2 WHERE sub = $3";
/// Ends the cookies of the user's known devices.
pub const FORGET_DEVICES: &str =
    "UPDATE users SET device_generation = device_generation + 1 WHERE sub = $1";
pub const UPDATE_USER: &str =
    "UPDATE users SET claims = $1, updated_at = $2, attributes = $4 WHERE sub = $3";
/// Also deletes the user's sessions and consents, which refer to it.
pub const DELETE_USER: &str = "DELETE FROM users WHERE sub = $1";
pub const USERS: &str = "SELECT sub, username, password_hash, claims, attributes, enabled, device_generation FROM users ORDER BY username";
pub const USER: &str = "SELECT sub, username, password_hash, claims, attributes, enabled, device_generation FROM users WHERE sub = $1";
/// Without the condition.
pub const USERS_WHERE: &str = "SELECT sub, username, password_hash, claims, attributes, enabled, device_generation FROM users WHERE";
pub const USER_BY_USERNAME: &str = "SELECT sub, username, password_hash, claims, attributes, enabled, device_generation FROM users WHERE username = $1";

#[derive(FromRow)]
pub struct UserRow {
    sub: String,
    username: String,
    password_hash: String,
    claims: String,
    attributes: String,
    enabled: bool,
    device_generation: i64,
}

/// Returns the column `password_hash` of a password.
pub fn phc(hash: &SecretHash) -> Result<&str, StoreError> {
    match hash {
        SecretHash::Argon2id(phc) => Ok(phc),
        _ => Err(StoreError::Unavailable("a password hash is not Argon2id".to_owned())),
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            sub: row.sub,
            username: row.username,
            password: SecretHash::Argon2id(row.password_hash),
            claims: serde_json::from_str(&row.claims)?,
            attributes: serde_json::from_str(&row.attributes)?,
            enabled: row.enabled,
            device_generation: row.device_generation,
        })
    }
}

pub fn installation_secret(secret: Vec<u8>) -> Result<[u8; 32], StoreError> {
    secret.try_into().map_err(|_| super::unreadable("the installation secret"))
}
