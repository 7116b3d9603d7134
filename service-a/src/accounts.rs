//! What the website remembers, as verbs. Each verb is atomic, and what it has answered survives a
//! crash.
//!
//! A backend implements [`AccountStore`] and passes the suite in `conformance`, races included.

mod model;
mod postgres;
mod rows;
mod sqlite;
mod statements;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use async_trait::async_trait;

use crate::random_id::Digest;

pub use model::{
    Account, Email, EndSessions, Entered, Identity, Linked, LinkedIdentity, PendingLogin, Profile,
    Purpose, Session, Unlinked, Visitor,
};
pub use postgres::{PostgresAccounts, place_of, versions_at};
pub use sqlite::{SqliteAccounts, versions};

/// Why a verb was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
}

#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Can the database be used?
    async fn answers(&self) -> Result<(), StoreError>;

    /// A browser is sent to a provider.
    async fn begin_login(&self, pending: &PendingLogin) -> Result<(), StoreError>;

    /// The browser is back. A login is handed out once, and only to the browser that began it.
    async fn take_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError>;

    /// Somebody proved to be `visitor`: find the account, or make one with `new_id`. What the
    /// provider says of the person is taken up.
    async fn enter(&self, visitor: &Visitor, new_id: &str, now: i64)
    -> Result<Entered, StoreError>;

    /// Join an identity to an account.
    async fn link(
        &self,
        account_id: &str,
        visitor: &Visitor,
        now: i64,
    ) -> Result<Linked, StoreError>;

    /// Take an identity from its account, never the last one: nobody could log in to it any more.
    /// Sessions that began with it end.
    async fn unlink(&self, account_id: &str, identity: &Identity) -> Result<Unlinked, StoreError>;

    async fn account(&self, id: &str) -> Result<Option<Account>, StoreError>;

    /// Begin a session; the one that the browser had before ends with it.
    async fn begin_session(
        &self,
        session: &Session,
        replaces: Option<&Digest>,
    ) -> Result<(), StoreError>;

    /// The session, unless it is over: last seen at or before `idle_since`, or expired by `now`. It
    /// is seen now.
    async fn session(
        &self,
        id: &Digest,
        idle_since: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError>;

    /// Put newer tokens into a session. Says whether it is still there.
    async fn keep_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError>;

    async fn end_session(&self, id: &Digest) -> Result<(), StoreError>;

    /// A provider says that sessions are over. Says how many were; `None` if that very notice came
    /// before.
    async fn end_sessions(&self, notice: &EndSessions) -> Result<Option<u64>, StoreError>;

    /// Forget a small batch of what is void. Says how many rows went.
    async fn sweep(&self, idle_since: i64, now: i64) -> Result<u64, StoreError>;
}
