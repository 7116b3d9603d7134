use sqlx::FromRow;
use zeroize::Zeroizing;

use super::unreadable;
use crate::{
    domain::{Algorithm, KeyState, SigningKey},
    storage::StoreError,
};

pub const KEYS: &str =
    "SELECT kid, algorithm, pkcs8, state, state_since FROM signing_keys ORDER BY state_since DESC";
/// One that signs, or is to, cannot be withdrawn: another has to take its place first.
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
