mod identities;
mod inspection;
mod logins;
mod sessions;

pub use inspection::versions;

use std::path::Path;

use async_trait::async_trait;
use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Account, AccountStore, EndSessions, Entered, Identity, Linked, PendingLogin, Session,
    StoreError, Unlinked, Visitor, rows::is_stale,
};
use crate::random_id::Digest;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The embedded store: one file, one writer, any number of readers.
pub struct SqliteAccounts {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteAccounts {
    /// Open the database file, or make it, and bring it to this version's tables.
    ///
    /// # Errors
    /// When the file cannot be used, or belongs to a newer version.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut too: a login that was spent stays spent.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let at_file = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: {error}", file.display()))
        };
        let writer =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let writer = writer.map_err(|error| at_file(&error))?;
        MIGRATIONS.run(&writer).await.map_err(|error| at_file(&error))?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options.read_only(true));
        Ok(Self { readers, writer })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[async_trait]
impl AccountStore for SqliteAccounts {
    async fn answers(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn begin_login(&self, pending: &PendingLogin) -> Result<(), StoreError> {
        logins::begin(&self.writer, pending).await
    }

    async fn take_login(
        &self,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Option<PendingLogin>, StoreError> {
        logins::take(&self.writer, state, browser).await
    }

    async fn enter(
        &self,
        visitor: &Visitor,
        new_id: &str,
        now: i64,
    ) -> Result<Entered, StoreError> {
        identities::enter(&self.writer, visitor, new_id, now).await
    }

    async fn link(
        &self,
        account_id: &str,
        visitor: &Visitor,
        now: i64,
    ) -> Result<Linked, StoreError> {
        identities::link(&self.writer, account_id, visitor, now).await
    }

    async fn unlink(&self, account_id: &str, identity: &Identity) -> Result<Unlinked, StoreError> {
        identities::unlink(&self.writer, account_id, identity).await
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        identities::account(&self.readers, id).await
    }

    async fn begin_session(
        &self,
        session: &Session,
        replaces: Option<&Digest>,
    ) -> Result<(), StoreError> {
        sessions::begin(&self.writer, session, replaces).await
    }

    async fn session(
        &self,
        id: &Digest,
        idle_since: i64,
        now: i64,
    ) -> Result<Option<Session>, StoreError> {
        let found = sessions::find(&self.readers, id, idle_since, now).await?;
        if let Some(session) = &found
            && is_stale(session, now)
        {
            sessions::see(&self.writer, id, now).await?;
        }
        Ok(found)
    }

    async fn keep_tokens(&self, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError> {
        sessions::keep_tokens(&self.writer, id, sealed).await
    }

    async fn end_session(&self, id: &Digest) -> Result<(), StoreError> {
        sessions::end(&self.writer, id).await
    }

    async fn end_sessions(&self, notice: &EndSessions) -> Result<Option<u64>, StoreError> {
        sessions::end_of(&self.writer, notice).await
    }

    async fn sweep(&self, idle_since: i64, now: i64) -> Result<u64, StoreError> {
        Ok(sessions::sweep(&self.writer, idle_since, now).await?
            + logins::sweep(&self.writer, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::conformance;

    struct OnDisk {
        store: SqliteAccounts,
        _folder: tempfile::TempDir,
    }

    async fn fresh() -> OnDisk {
        let folder = tempfile::tempdir().unwrap();
        OnDisk {
            store: SqliteAccounts::open(&folder.path().join("test.db")).await.unwrap(),
            _folder: folder,
        }
    }

    conformance::suite!(fresh);

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_named() {
        let error = SqliteAccounts::open(Path::new("/nowhere/service-a.db")).await.err().unwrap();
        assert!(error.to_string().contains("/nowhere/service-a.db"), "{error}");
    }
}
