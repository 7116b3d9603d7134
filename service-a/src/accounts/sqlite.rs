mod identities;
mod pending_logins;
mod sessions;
mod writable;

use std::path::Path;

use async_trait::async_trait;
use sql_kit::{
    SchemaVersions,
    sqlite::{self, SqliteDatabase},
};
use sqlx::{SqlitePool, migrate::Migrator};

use super::{
    Account, AccountStore, BackchannelLogout, ExternalIdentity, Identity, LinkOutcome,
    LoginOutcome, PendingLogin, Session, StoreError, UnlinkOutcome, rows::needs_seen_update,
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
}

/// Returns the schema versions of the database file, or `None` if the file does not exist.
///
/// # Errors
/// Returns an error if the file cannot be read and written.
pub async fn sqlite_schema_versions(file: &Path) -> Result<Option<SchemaVersions>, StoreError> {
    sqlite::inspect(file, &MIGRATIONS, async |_, versions| Ok(versions)).await
}

#[async_trait]
impl AccountStore for SqliteAccounts {
    async fn ready(&self) -> Result<(), StoreError> {
        writable::check(&self.writer).await
    }

    async fn store_pending_login(&self, pending: &PendingLogin) -> Result<(), StoreError> {
        pending_logins::insert(&self.writer, pending).await
    }

    async fn consume_pending_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError> {
        pending_logins::consume(&self.writer, state, browser).await
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
        Ok(sessions::delete_expired(&self.writer, idle_cutoff, now).await?
            + pending_logins::delete_expired(&self.writer, now).await?)
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
    async fn unusable_folder_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = file.path().join("service-a.db");
        let error = SqliteAccounts::open(&database).await.err().unwrap();
        assert!(error.to_string().contains(database.to_str().unwrap()), "{error}");
    }
}
