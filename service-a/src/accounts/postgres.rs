mod connect;
mod identities;
mod inspection;
mod locks;
mod logins;
mod sessions;
mod sweep;

pub use inspection::{place_of, versions_at};

use async_trait::async_trait;
use sqlx::PgPool;

use super::{
    Account, AccountStore, EndSessions, Entered, Identity, Linked, PendingLogin, Session,
    StoreError, Unlinked, Visitor, rows::is_stale,
};
use crate::random_id::Digest;

/// The store that many servers share.
///
/// Each verb is one transaction that sees what was committed before each of its statements; where
/// two could be in each other's way, both begin with the same lock, and the later one waits for it.
pub struct PostgresAccounts {
    pool: PgPool,
}

impl PostgresAccounts {
    /// Connect to the database, and bring it to this version's tables.
    ///
    /// # Errors
    /// When it cannot be reached, or holds the tables of a newer version or of another server. The
    /// password is not in the error.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { pool: connect::connect(url).await? })
    }
}

#[async_trait]
impl AccountStore for PostgresAccounts {
    async fn answers(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    async fn begin_login(&self, pending: &PendingLogin) -> Result<(), StoreError> {
        logins::begin(&self.pool, pending).await
    }

    async fn take_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError> {
        logins::take(&self.pool, state, browser).await
    }

    async fn enter(
        &self,
        visitor: &Visitor,
        new_id: &str,
        now: i64,
    ) -> Result<Entered, StoreError> {
        identities::enter(&self.pool, visitor, new_id, now).await
    }

    async fn link(
        &self,
        account_id: &str,
        visitor: &Visitor,
        now: i64,
    ) -> Result<Linked, StoreError> {
        identities::link(&self.pool, account_id, visitor, now).await
    }

    async fn unlink(&self, account_id: &str, identity: &Identity) -> Result<Unlinked, StoreError> {
        identities::unlink(&self.pool, account_id, identity).await
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        identities::account(&self.pool, id).await
    }

    async fn begin_session(
        &self,
        session: &Session,
        replaces: Option<&Digest>,
    ) -> Result<(), StoreError> {
        sessions::begin(&self.pool, session, replaces).await
    }

    async fn session(
        &self,
        id: &Digest,
        idle_since: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError> {
        let found = sessions::find(&self.pool, id, idle_since, now).await?;
        if let Some(session) = &found
            && is_stale(session, now)
        {
            sessions::see(&self.pool, id, now).await?;
        }
        Ok(found)
    }

    async fn keep_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError> {
        sessions::keep_tokens(&self.pool, id, sealed).await
    }

    async fn end_session(&self, id: &Digest) -> Result<(), StoreError> {
        sessions::end(&self.pool, id).await
    }

    async fn end_sessions(&self, notice: &EndSessions) -> Result<Option<u64>, StoreError> {
        sessions::end_of(&self.pool, notice).await
    }

    async fn sweep(&self, idle_since: i64, now: i64) -> Result<u64, StoreError> {
        sweep::sweep(&self.pool, idle_since, now).await
    }
}
