//! SQL text and row decoding that both backends share.
//!
//! This program has written every value in the tables, so a value that cannot be decoded is an
//! error.

pub(super) mod access_tokens;
pub(super) mod audit_log;
pub(super) mod client_registrations;
pub(super) mod clients;
pub(super) mod consents;
pub(super) mod devices;
pub(super) mod grants;
pub(super) mod keys;
pub(super) mod pushed_requests;
pub(super) mod revision;
pub(super) mod sessions;
pub(super) mod users;

use oauth_types::Scope;

use super::StoreError;
use crate::domain::TokenHash;

/// Decodes rows into domain values.
pub(super) fn decode<R, T>(rows: impl IntoIterator<Item = R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

pub(super) fn token_hash(bytes: Vec<u8>) -> Result<TokenHash, StoreError> {
    Ok(TokenHash(bytes.try_into().map_err(|_| unreadable("a hash"))?))
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what} in the database cannot be read"))
}

fn scope(text: &str) -> Result<Scope, StoreError> {
    text.parse().map_err(|_| unreadable("a scope"))
}
