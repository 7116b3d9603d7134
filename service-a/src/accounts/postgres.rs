mod backend;
mod expiry;

// Compiled once for each backend, with the connection types and locks of its `backend`.
#[path = "queries/failed_logins.rs"]
mod failed_logins;
#[path = "queries/identities.rs"]
mod identities;
#[path = "queries/pending_logins.rs"]
mod pending_logins;
#[path = "queries/sessions.rs"]
mod sessions;
#[path = "queries/writable.rs"]
mod writable;

use std::net::IpAddr;

use async_trait::async_trait;
use sql_kit::{postgres, within_time_budget};
use sqlx::{PgPool, migrate::Migrator};

use super::{
    Account, AccountStore, AccountsInspection, BackchannelLogout, ExternalIdentity, FailedLogin,
    Identity, LinkOutcome, LoginOutcome, PendingLogin, Session, StoreError, UnlinkOutcome,
    rows::needs_seen_update,
};
use crate::random_id::Digest;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Account store in PostgreSQL, shared by several servers.
///
/// Each operation is one transaction at isolation level `READ COMMITTED`. Operations that could
/// conflict first acquire the same lock.
pub struct PostgresAccounts {
    pool: PgPool,
}

impl PostgresAccounts {
    /// Connects to the database and migrates it.
    ///
    /// # Errors
    /// Returns an error if the database is unreachable, or contains the schema of a newer version
    /// or of another server. The error does not contain the password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { pool: postgres::connect(url, &MIGRATIONS, "service-a migrate").await? })
    }

    /// Inspects the database at this URL without changing it.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used. The error does not contain the password.
    pub async fn inspect(url: &str) -> Result<AccountsInspection, StoreError> {
        postgres::inspect(url, &MIGRATIONS, async |database, versions| {
            let failures = match versions.match_exactly() {
                true => failed_logins::all(database).await?,
                false => Vec::new(),
            };
            Ok(AccountsInspection { versions, failures })
        })
        .await
    }
}

#[async_trait]
impl AccountStore for PostgresAccounts {
    async fn ready(&self) -> Result<(), StoreError> {
        within_time_budget(writable::check(&self.pool)).await
    }

    async fn store_pending_login(
        &self,
        pending: &PendingLogin,
        network: IpAddr,
        at_most: u32,
    ) -> Result<(), StoreError> {
        within_time_budget(pending_logins::insert(&self.pool, pending, network, at_most)).await
    }

    async fn consume_pending_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError> {
        within_time_budget(pending_logins::consume(&self.pool, state, browser)).await
    }

    async fn record_failed_login(&self, failed: &FailedLogin) -> Result<(), StoreError> {
        within_time_budget(failed_logins::record(&self.pool, failed)).await
    }

    async fn log_in(
        &self,
        identity: &ExternalIdentity,
        new_id: &str,
        now: i64,
    ) -> Result<LoginOutcome, StoreError> {
        within_time_budget(identities::log_in(&self.pool, identity, new_id, now)).await
    }

    async fn link_identity(
        &self,
        account_id: &str,
        identity: &ExternalIdentity,
        now: i64,
    ) -> Result<LinkOutcome, StoreError> {
        within_time_budget(identities::link(&self.pool, account_id, identity, now)).await
    }

    async fn unlink_identity(
        &self,
        account_id: &str,
        identity: &Identity,
    ) -> Result<UnlinkOutcome, StoreError> {
        within_time_budget(identities::unlink(&self.pool, account_id, identity)).await
    }

    async fn load_account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        within_time_budget(identities::load_account(&self.pool, id)).await
    }

    async fn start_session(
        &self,
        session: &Session,
        previous: Option<&Digest>,
    ) -> Result<(), StoreError> {
        within_time_budget(sessions::start(&self.pool, session, previous)).await
    }

    async fn load_session(
        &self,
        id: &Digest,
        idle_cutoff: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError> {
        within_time_budget(async {
            let session = sessions::load(&self.pool, id, idle_cutoff, now).await?;
            if let Some(session) = &session
                && needs_seen_update(session, now)
            {
                sessions::update_last_seen(&self.pool, id, now).await?;
            }
            Ok(session)
        })
        .await
    }

    async fn update_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError> {
        within_time_budget(sessions::update_tokens(&self.pool, id, sealed)).await
    }

    async fn end_session(&self, id: &Digest) -> Result<(), StoreError> {
        within_time_budget(sessions::end(&self.pool, id)).await
    }

    async fn apply_backchannel_logout(
        &self,
        logout: &BackchannelLogout,
    ) -> Result<Option<u64>, StoreError> {
        within_time_budget(sessions::apply_backchannel_logout(&self.pool, logout)).await
    }

    async fn delete_expired(&self, idle_cutoff: i64, now: i64) -> Result<u64, StoreError> {
        within_time_budget(expiry::delete_expired(&self.pool, idle_cutoff, now)).await
    }
}
