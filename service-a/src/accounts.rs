//! Storage of the website: accounts, sessions and pending logins.
//!
//! [`AccountStore`] is implemented for SQLite and PostgreSQL. Each of its methods is atomic and
//! durable. `queries` is compiled for both. Both implementations are tested with the suite in
//! `conformance`, which includes races.

mod inspection;
mod model;
mod postgres;
mod rows;
mod sqlite;
mod statements;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use std::net::IpAddr;

use async_trait::async_trait;
use sql_kit::DatabaseError;

use crate::random_id::Digest;

pub use inspection::{AccountsInspection, LastFailure};
pub use model::{
    Account, BackchannelLogout, Email, ExternalIdentity, FailedLogin, Identity, LinkOutcome,
    LinkedIdentity, LoginOutcome, LoginPurpose, PendingLogin, Profile, Session, UnlinkOutcome,
};
pub use postgres::PostgresAccounts;
pub use sqlite::SqliteAccounts;

/// Why a storage operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Checks that the database can be written to, without leaving a row. A read would also succeed
    /// on a full disk.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Stores a login that a browser of this network has started. Of the logins of the network, all
    /// but the newest `at_most` are deleted.
    async fn store_pending_login(
        &self,
        pending: &PendingLogin,
        network: IpAddr,
        at_most: u32,
    ) -> Result<(), StoreError>;

    /// Removes and returns a pending login. Returns `None` if it was consumed before, or was
    /// started by another browser; in the latter case it stays.
    async fn consume_pending_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError>;

    /// Stores a failed login in place of the previous one of its provider.
    async fn record_failed_login(&self, failed: &FailedLogin) -> Result<(), StoreError>;

    /// Finds the account that `identity` is linked to and updates its profile, or creates an
    /// account with the id `new_id`.
    async fn log_in(
        &self,
        identity: &ExternalIdentity,
        new_id: &str,
        now: i64,
    ) -> Result<LoginOutcome, StoreError>;

    /// Links an identity to an account.
    async fn link_identity(
        &self,
        account_id: &str,
        identity: &ExternalIdentity,
        now: i64,
    ) -> Result<LinkOutcome, StoreError>;

    /// Unlinks an identity and ends the sessions that were started with it. The last identity
    /// stays, because the account could not be logged in to without it.
    async fn unlink_identity(
        &self,
        account_id: &str,
        identity: &Identity,
    ) -> Result<UnlinkOutcome, StoreError>;

    /// Loads an account with its identities.
    async fn load_account(&self, id: &str) -> Result<Option<Account>, StoreError>;

    /// Stores a session and ends `previous`, the session that the browser had before.
    async fn start_session(
        &self,
        session: &Session,
        previous: Option<&Digest>,
    ) -> Result<(), StoreError>;

    /// Loads a session and records its use. Returns `None` if it was last used at or before
    /// `idle_cutoff`, or has expired at `now`. All times are Unix times.
    async fn load_session(
        &self,
        id: &Digest,
        idle_cutoff: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError>;

    /// Replaces the tokens of a session. Returns whether the session exists.
    async fn update_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError>;

    /// Ends a session.
    async fn end_session(&self, id: &Digest) -> Result<(), StoreError>;

    /// Ends the sessions that a logout token names and returns their number. Returns `None` if the
    /// token was used before.
    async fn apply_backchannel_logout(
        &self,
        logout: &BackchannelLogout,
    ) -> Result<Option<u64>, StoreError>;

    /// Deletes a batch of expired rows and returns their number.
    async fn delete_expired(&self, idle_cutoff: i64, now: i64) -> Result<u64, StoreError>;
}
