use sqlx::FromRow;
use zeroize::Zeroizing;

use super::unreadable;
use crate::{
    domain::{Algorithm, KeyState, SigningKey},
    storage::StoreError,
};

pub const KEYS: &str =
    "SELECT kid, algorithm, pkcs8, state, state_since FROM signing_keys ORDER BY state_since DESC";
pub const ANY_KEY: &str = "SELECT 1 FROM signing_keys LIMIT 1";
pub const CURRENT_KEY: &str =
    "SELECT 1 FROM signing_keys WHERE state = 'current' AND algorithm = $1";
pub const NEXT_OR_CURRENT_KEY: &str =
    "SELECT 1 FROM signing_keys WHERE state IN ('next', 'current') AND algorithm = $1";
pub const INSERT_KEY: &str = "INSERT INTO signing_keys (kid, algorithm, pkcs8, state, state_since) \
     VALUES ($1, $2, $3, $4, $5)";
pub const RETIRE_KEY: &str = "UPDATE signing_keys SET state = 'retired', state_since = $1 \
     WHERE kid = $2 AND state = 'current' AND algorithm = $3";
pub const PROMOTE_NEXT_KEY: &str = "UPDATE signing_keys SET state = 'current', state_since = $1 \
     WHERE state = 'next' AND algorithm = $2";
pub const ACTIVATE_KEY: &str = "UPDATE signing_keys SET state = 'current', state_since = $1 \
     WHERE kid = $2 AND state = 'next' AND algorithm = $3";
pub const DELETE_RETIRED_KEYS: &str =
    "DELETE FROM signing_keys WHERE state = 'retired' AND state_since < $1";
/// Only retired keys can be withdrawn. A current or next key must be rotated first.
pub const WITHDRAW_KEY: &str = "DELETE FROM signing_keys WHERE kid = $1 AND state = 'retired'";

#[derive(FromRow)]
pub struct KeyRow {
    kid: String,
    algorithm: String,
    pkcs8: Vec<u8>,
    state: String,
    state_since: i64,
}

impl TryFrom<KeyRow> for SigningKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let pkcs8 = Zeroizing::new(row.pkcs8);
        Ok(Self {
            kid: row.kid,
            algorithm: Algorithm::parse(&row.algorithm)
                .ok_or_else(|| unreadable("a key's algorithm"))?,
            pkcs8,
            state: match row.state.as_str() {
                "next" => KeyState::Next,
                "current" => KeyState::Current { since: row.state_since },
                "retired" => KeyState::Retired { since: row.state_since },
                _ => return Err(unreadable("a key's state")),
            },
        })
    }
}
