mod clients;
mod consents;
mod devices;
mod effects;
mod glance;
mod grants;
mod issues;
mod journal;
mod keys;
mod logout_news;
mod lookups;
mod pushed;
mod records;
mod registrations;
mod sessions;
mod users;

use std::{fs::File, path::Path};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, SqlitePool,
    error::{DatabaseError, ErrorKind},
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::journal::Journal;
use super::{
    AuditedChange, LoginStore, RetentionCutoffs, Store, StoreError, lookups::RefreshTokenLoader,
    rows::CAN_WRITE,
};
use crate::domain::{
    AuditQuery, AuditRecord, Client, Consent, DeviceAuthorization, LogoutNotification, NewKey,
    OpaqueToken, PushedAuthorizationRequest, Registration, SecretHash, Session, SigningKey,
    StoredAuthorizationCode, StoredDeviceAuthorization, StoredRefreshToken, TokenHash, User,
    UserGrant,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The embedded store: one file, one writer, any number of readers.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    journal: Journal,
    lookups: RefreshTokenLoader,
}

impl SqliteStore {
    /// Open the database file, or make it, and bring it to this version's tables.
    ///
    /// # Errors
    /// When the file cannot be used, or belongs to a newer version.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut too, not the end of the process alone.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let at_file = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: {error}", file.display()))
        };
        // A command may be given while the server starts for the first time: only one of them makes
        // the tables.
        let _turn = turn(file).await.map_err(|error| at_file(&error))?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| at_file(&error))?;
        MIGRATIONS.run(&writer).await.map_err(|error| at_file(&error))?;
        // A connection to a file does not go away, and to ask it whether it is there takes as long
        // as a question does.
        let readers = SqlitePoolOptions::new().max_connections(4).test_before_acquire(false);
        let reading = options.clone().read_only(true);
        let lookups = RefreshTokenLoader::of(reading.connect().await?);
        let journal = Journal::open(&options).await?;
        Ok(Self { readers: readers.connect_lazy_with(reading), writer, journal, lookups })
    }
}

/// Wait until no other process opens this database. It ends with the file that is returned.
async fn turn(database: &Path) -> std::io::Result<File> {
    let path = database.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await.map_err(std::io::Error::other)?
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(DatabaseError::kind) {
            None | Some(ErrorKind::Other) => Self::Unavailable(error.to_string()),
            Some(_) => Self::ConstraintViolation(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unavailable(format!("a stored value cannot be read: {error}"))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT counter FROM revision").fetch_one(&self.readers).await?)
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        clients::all(&self.readers).await
    }

    async fn add_client(&self, client: &Client, now: i64) -> Result<(), StoreError> {
        clients::add(&self.writer, client, now).await
    }

    async fn rotate_secret(
        &self,
        client_id: &str,
        new: &SecretHash,
        old_until: Option<i64>,
        now: i64,
    ) -> Result<(), StoreError> {
        clients::rotate_secret(&self.writer, client_id, new, old_until, now).await
    }

    async fn disable_client(&self, client_id: &str, now: i64) -> Result<(), StoreError> {
        clients::disable(&self.writer, client_id, now).await
    }

    async fn remove_client(&self, client_id: &str, now: i64) -> Result<(), StoreError> {
        clients::remove(&self.writer, client_id, now).await
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError> {
        registrations::one(&self.readers, client_id).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        keys::all(&self.readers).await
    }

    async fn install_keys(
        &self,
        current: &NewKey,
        next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError> {
        keys::install(&self.writer, current, next, now).await
    }

    async fn rotate_keys(
        &self,
        expected_current: &str,
        new_next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError> {
        keys::rotate(&self.writer, expected_current, new_next, now).await
    }

    async fn withdraw_key(&self, kid: &str) -> Result<bool, StoreError> {
        keys::withdraw(&self.writer, kid).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.journal.runs()?;
        sqlx::query(CAN_WRITE).execute(&self.writer).await?;
        Ok(())
    }

    async fn apply(&self, entry: AuditedChange) -> Result<(), StoreError> {
        self.journal.apply(entry).await
    }

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
        records::opaque_token(&self.readers, hash).await
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        records::is_revoked(&self.readers, jti).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        records::audit(&self.readers, query).await
    }

    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError> {
        records::delete_expired(&self.writer, before).await
    }
}

#[async_trait]
impl LoginStore for SqliteStore {
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        users::installation_secret(&self.writer, fresh).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        users::all(&self.readers).await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        users::by_sub(&self.readers, sub).await
    }

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        users::by_name(&self.readers, username).await
    }

    async fn add_user(&self, user: &User, now: i64) -> Result<(), StoreError> {
        users::add(&self.writer, user, now).await
    }

    async fn set_password(
        &self,
        username: &str,
        password: &SecretHash,
        now: i64,
    ) -> Result<(), StoreError> {
        users::set_password(&self.writer, username, password, now).await
    }

    async fn disable_user(&self, username: &str, now: i64) -> Result<(), StoreError> {
        users::disable(&self.writer, username, now).await
    }

    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
        sessions::by_hash(&self.readers, hash).await
    }

    async fn session_by_sid(&self, sid: &str) -> Result<Option<Session>, StoreError> {
        sessions::by_sid(&self.readers, sid).await
    }

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
        sessions::touch(&self.writer, hash, now).await
    }

    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError> {
        sessions::of_user(&self.readers, sub).await
    }

    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError> {
        sessions::clients(&self.readers, sid).await
    }

    async fn take_due_logout_notifications(
        &self,
        now: i64,
        again_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError> {
        if !logout_news::are_due(&self.readers, now).await? {
            return Ok(Vec::new());
        }
        logout_news::take(&self.writer, now, again_at, limit).await
    }

    async fn delete_logout_notification(
        &self,
        news: &LogoutNotification,
    ) -> Result<(), StoreError> {
        logout_news::forget(&self.writer, news).await
    }

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        consents::one(&self.readers, sub, client_id).await
    }

    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError> {
        consents::of_user(&self.readers, sub).await
    }

    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
        grants::of_user(&self.readers, sub, now).await
    }

    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        devices::add(&self.writer, device).await
    }

    async fn waiting_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        devices::waiting(&self.readers, user_code, now).await
    }

    async fn poll_device(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
    ) -> Result<Option<StoredDeviceAuthorization>, StoreError> {
        devices::poll(&self.writer, hash, client_id, now).await
    }

    async fn push_request(&self, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError> {
        pushed::add(&self.writer, pushed).await
    }

    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
        pushed::visit(&self.writer, hash, client_id, now, until).await
    }

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError> {
        grants::code(&self.readers, hash).await
    }

    async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        self.lookups.refresh_token(grant_id).await
    }

    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
        grants::one(&self.readers, grant_id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance;

    struct OnDisk {
        store: SqliteStore,
        _folder: tempfile::TempDir,
    }

    async fn fresh() -> OnDisk {
        let folder = tempfile::tempdir().unwrap();
        OnDisk {
            store: SqliteStore::open(&folder.path().join("test.db")).await.unwrap(),
            _folder: folder,
        }
    }

    conformance::suite!(fresh);

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_named() {
        let error = SqliteStore::open(Path::new("/nowhere/gatepass.db")).await.err().unwrap();
        assert!(error.to_string().contains("/nowhere/gatepass.db"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_may_open_a_new_database_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let opened =
            futures_util::future::join_all((0..20).map(|_| SqliteStore::open(&file))).await;
        for store in opened {
            assert_eq!(store.unwrap().revision().await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let store = SqliteStore::open(&file).await.unwrap();
        sqlx::query("UPDATE _sqlx_migrations SET version = version + 9999")
            .execute(&store.writer)
            .await
            .unwrap();
        drop(store);
        let error = SqliteStore::open(&file).await.err().unwrap().to_string();
        assert!(
            error.contains("newer") || error.contains("10000") || error.contains("10001"),
            "{error}"
        );
    }
}
