use sqlx::FromRow;

use crate::{
    domain::{SecretHash, User},
    storage::StoreError,
};

pub const USERS: &str =
    "SELECT sub, username, password, claims, enabled FROM users ORDER BY username";
pub const USER: &str = "SELECT sub, username, password, claims, enabled FROM users WHERE sub = $1";
pub const USER_NAMED: &str =
    "SELECT sub, username, password, claims, enabled FROM users WHERE username = $1";

#[derive(FromRow)]
pub struct UserRow {
    sub: String,
    username: String,
    password: String,
    claims: String,
    enabled: bool,
}

/// A password's hash as the column `password` keeps it.
pub fn phc(hash: &SecretHash) -> Result<&str, StoreError> {
    match hash {
        SecretHash::Argon2id(phc) => Ok(phc),
        _ => Err(StoreError::Unavailable("a password is stored as Argon2id alone".to_owned())),
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            sub: row.sub,
            username: row.username,
            password: SecretHash::Argon2id(row.password),
            claims: serde_json::from_str(&row.claims)?,
            enabled: row.enabled,
        })
    }
}
