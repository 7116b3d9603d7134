//! What the tables hold, row by row: the same in every database. What is read back was written by
//! this program; a value that it cannot read is an error.

mod clients;
mod consents;
mod devices;
mod grants;
mod keys;
mod records;
mod registrations;
mod sessions;
mod users;

use oauth_types::Scope;

use super::StoreError;
use crate::domain::TokenHash;

pub(super) use clients::{CLIENTS, SECRETS, SecretRow, hash_columns, with_secrets};
pub(super) use consents::{CONSENT, CONSENTS_OF_USER, ConsentRow};
pub(super) use devices::{DeviceRow, MORE_SECONDS, POLLED_DEVICE, PolledRow, WAITING_DEVICE};
pub(super) use grants::{
    CODE, CodeRow, GRANT, GRANTS_OF_USER, GrantRow, REFRESH_TOKENS, REFRESH_TOKENS_OF_ARRAY,
    RefreshTokenRow, kept_until,
};
pub(super) use keys::{KEYS, KeyRow, WITHDRAW_KEY};
pub(super) use records::{AuditRow, IS_REVOKED, opaque_token};
pub(super) use registrations::{REGISTRATION, RegistrationRow, SECRETS_OF_CLIENT, registration};
pub(super) use sessions::{
    NEWS_SECONDS, NewsRow, SESSION, SESSION_NAMED, SESSIONS_OF_USER, SessionRow,
};
pub(super) use users::{USER, USER_NAMED, USERS, UserRow, phc};

/// Writes what is there already.
pub(super) const CAN_WRITE: &str = "UPDATE revision SET counter = counter";

/// Rows as the domain knows them.
pub(super) fn read<R, T>(rows: impl IntoIterator<Item = R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what} in the database cannot be read"))
}

fn scope(text: &str) -> Result<Scope, StoreError> {
    text.parse().map_err(|_| unreadable("a scope"))
}

pub(super) fn token_hash(bytes: Vec<u8>) -> Result<TokenHash, StoreError> {
    Ok(TokenHash(bytes.try_into().map_err(|_| unreadable("a hash"))?))
}
