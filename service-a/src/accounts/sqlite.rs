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

use std::{net::IpAddr, path::Path};

use async_trait::async_trait;
use sql_kit::sqlite::{self, SqliteDatabase};
use sqlx::{SqlitePool, migrate::Migrator};

use super::{
    Account, AccountStore, AccountsInspection, BackchannelLogout, ExternalIdentity, FailedLogin,
    Identity, LinkOutcome, LoginOutcome, PendingLogin, Session, StoreError, UnlinkOutcome,
    rows::needs_seen_update,
};
use crate::random_id::Digest;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Account store in an SQLite file, with one writer and several readers.
pub struct SqliteAccounts {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteAccounts {
    /// Opens or creates the database file and migrates it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used, or its schema is newer than this version.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let SqliteDatabase { readers, writer, .. } = sqlite::open(file, &MIGRATIONS).await?;
        Ok(Self { readers, writer })
    }

    /// Inspects a database file without changing it. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read and written.
    pub async fn inspect(file: &Path) -> Result<Option<AccountsInspection>, StoreError> {
        sqlite::inspect(file, &MIGRATIONS, async |database, versions| {
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
impl AccountStore for SqliteAccounts {
    async fn ready(&self) -> Result<(), StoreError> {
        writable::check(&self.writer).await
    }

    async fn store_pending_login(
        &self,
        pending: &PendingLogin,
        network: IpAddr,
        at_most: u32,
    ) -> Result<(), StoreError> {
        pending_logins::insert(&self.writer, pending, network, at_most).await
    }

    async fn consume_pending_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError> {
        pending_logins::consume(&self.writer, state, browser).await
    }

    async fn record_failed_login(&self, failed: &FailedLogin) -> Result<(), StoreError> {
        failed_logins::record(&self.writer, failed).await
    }

    async fn log_in(
        &self,
        identity: &ExternalIdentity,
        new_id: &str,
        now: i64,
    ) -> Result<LoginOutcome, StoreError> {
        identities::log_in(&self.writer, identity, new_id, now).await
    }

    async fn link_identity(
        &self,
        account_id: &str,
        identity: &ExternalIdentity,
        now: i64,
    ) -> Result<LinkOutcome, StoreError> {
        identities::link(&self.writer, account_id, identity, now).await
    }

    async fn unlink_identity(
        &self,
        account_id: &str,
        identity: &Identity,
    ) -> Result<UnlinkOutcome, StoreError> {
        identities::unlink(&self.writer, account_id, identity).await
    }

    async fn load_account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        identities::load_account(&self.readers, id).await
    }

    async fn start_session(
        &self,
        session: &Session,
        previous: Option<&Digest>,
    ) -> Result<(), StoreError> {
        sessions::start(&self.writer, session, previous).await
    }

    async fn load_session(
        &self,
        id: &Digest,
        idle_cutoff: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError> {
        let session = sessions::load(&self.readers, id, idle_cutoff, now).await?;
        if let Some(session) = &session
            && needs_seen_update(session, now)
        {
            sessions::update_last_seen(&self.writer, id, now).await?;
        }
        Ok(session)
    }

    async fn update_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError> {
        sessions::update_tokens(&self.writer, id, sealed).await
    }

    async fn end_session(&self, id: &Digest) -> Result<(), StoreError> {
        sessions::end(&self.writer, id).await
    }

    async fn apply_backchannel_logout(
        &self,
        logout: &BackchannelLogout,
    ) -> Result<Option<u64>, StoreError> {
        sessions::apply_backchannel_logout(&self.writer, logout).await
    }

    async fn delete_expired(&self, idle_cutoff: i64, now: i64) -> Result<u64, StoreError> {
        expiry::delete_expired(&self.writer, idle_cutoff, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::conformance;

    struct TestStore {
        store: SqliteAccounts,
        _dir: tempfile::TempDir,
    }

    async fn empty_store() -> TestStore {
        let dir = tempfile::tempdir().unwrap();
        TestStore {
            store: SqliteAccounts::open(&dir.path().join("test.db")).await.unwrap(),
            _dir: dir,
        }
    }

    conformance::suite!(empty_store);

    #[tokio::test]
    async fn last_failed_login_of_each_provider_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.db");
        let store = SqliteAccounts::open(&file).await.unwrap();
        let inspect = async || Ok(SqliteAccounts::inspect(&file).await?.unwrap());
        conformance::last_failed_login_of_each_provider_is_kept(&store, inspect).await;
    }

    #[tokio::test]
    async fn unusable_folder_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = file.path().join("service-a.db");
        let error = SqliteAccounts::open(&database).await.err().unwrap();
        assert!(error.to_string().contains(database.to_str().unwrap()), "{error}");
    }
}
