mod access_tokens;
mod audit_log;
mod backend;
mod batch;
mod changes;
mod expiry;
mod group_commit;
mod inspection;
mod issue_tokens;
mod refresh_token_loader;
mod reset;
mod writable;

// Compiled once for each backend, with the connection types and locks of its `backend`.
#[path = "queries/client_registrations.rs"]
mod client_registrations;
#[path = "queries/clients.rs"]
mod clients;
#[path = "queries/consents.rs"]
mod consents;
#[path = "queries/devices.rs"]
mod devices;
#[path = "queries/grants.rs"]
mod grants;
#[path = "queries/keys.rs"]
mod keys;
#[path = "queries/logout_queue.rs"]
mod logout_queue;
#[path = "queries/pushed_requests.rs"]
mod pushed_requests;
#[path = "queries/revision.rs"]
mod revision;
#[path = "queries/sessions.rs"]
mod sessions;
#[path = "queries/shared_changes.rs"]
mod shared_changes;
#[path = "queries/users.rs"]
mod users;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use sql_kit::sqlite::{SchemaImage, SqliteDatabase, TaskConnection};
use sqlx::{SqlitePool, migrate::Migrator};

use self::group_commit::GroupCommit;
use super::{
    AuditedChange, GrantOwner, GrantStore, Installation, RetentionCutoffs, RunningServers,
    SessionStore, SharedBuckets, Store, StoreError, StoredKeys, UserStore,
    refresh_token_loader::RefreshTokenLoader,
};
use crate::domain::{
    Actor, AuditQuery, AuditRecord, Client, Consent, DeviceAuthorization, LogoutNotification,
    OpaqueToken, PushedAuthorizationRequest, Registration, Session, SigningKey,
    StoredAuthorizationCode, StoredDeviceAuthorization, StoredRefreshToken, TokenHash, User,
    UserGrant,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
/// The schema of the databases in memory of this process.
static SCHEMA: SchemaImage = SchemaImage::new();

/// The embedded database: one file, one writer at a time, any number of readers. Or, for tests, a
/// database in memory.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    group_commit: GroupCommit,
    refresh_tokens: RefreshTokenLoader,
}

impl SqliteStore {
    /// Opens the database file, creates it if it does not exist, and migrates its schema.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used, or its schema is newer than this program.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let database = sql_kit::sqlite::open(file, &MIGRATIONS).await?;
        let first_reader = async { database.readers.acquire().await.map(drop) };
        // At once: each connection reads the schema.
        let (reading, writing, ()) =
            tokio::try_join!(database.reading_task(), database.writing_task(), first_reader)?;
        Ok(Self::on(database, reading, writing))
    }

    pub(super) async fn open_in_memory() -> Result<Self, StoreError> {
        let database = sql_kit::sqlite::open_in_memory(&MIGRATIONS, &SCHEMA).await?;
        let (reading, writing) = (database.reading_task().await?, database.writing_task().await?);
        Ok(Self::on(database, reading, writing))
    }

    pub(super) async fn reset(
        &self,
        users: &[User],
        keys: StoredKeys,
        now: i64,
    ) -> Result<(), StoreError> {
        reset::reset(&self.writer, users, keys, now).await
    }

    fn on(database: SqliteDatabase, reading: TaskConnection, writing: TaskConnection) -> Self {
        let SqliteDatabase { readers, writer, .. } = database;
        Self {
            readers,
            writer,
            group_commit: GroupCommit::spawn(writing),
            refresh_tokens: RefreshTokenLoader::spawn(reading),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn apply(&self, change: AuditedChange) -> Result<(), StoreError> {
        self.group_commit.apply(change).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        audit_log::find(&self.readers, query).await
    }

    async fn revision(&self) -> Result<i64, StoreError> {
        revision::current(&self.readers).await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        clients::all(&self.readers).await
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError> {
        client_registrations::one(&self.readers, client_id).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        keys::all(&self.readers).await
    }

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
        access_tokens::by_hash(&self.readers, hash).await
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        access_tokens::is_revoked(&self.readers, jti).await
    }

    fn shared_buckets(&self) -> Option<Arc<dyn SharedBuckets>> {
        None
    }

    fn running_servers(&self) -> Option<Arc<dyn RunningServers>> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        // Requests write on both connections.
        self.group_commit.check_writable().await?;
        writable::check(&mut *self.writer.acquire().await?).await
    }

    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError> {
        expiry::delete_expired(&self.writer, before).await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn update_installation(
        &self,
        fresh: [u8; 32],
        issuer: &str,
    ) -> Result<Installation, StoreError> {
        users::update_installation(&self.writer, fresh, issuer).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        users::all(&self.readers).await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        users::by_sub(&self.readers, sub).await
    }

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        users::by_username(&self.readers, username).await
    }

    async fn users_by_username(&self, usernames: &[String]) -> Result<Vec<User>, StoreError> {
        users::by_usernames(&self.readers, usernames).await
    }

    async fn add_missing_users(
        &self,
        users: Vec<User>,
        actor: Actor,
        at_millis: i64,
    ) -> Result<(), StoreError> {
        users::add_missing(&self.writer, users, &actor, at_millis).await
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
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
        next_attempt_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError> {
        if !logout_queue::is_due(&self.readers, now).await? {
            return Ok(Vec::new());
        }
        logout_queue::take(&self.writer, now, next_attempt_at, limit).await
    }

    async fn delete_logout_notification(
        &self,
        notification: &LogoutNotification,
    ) -> Result<(), StoreError> {
        logout_queue::delete(&self.writer, notification).await
    }
}

#[async_trait]
impl GrantStore for SqliteStore {
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        consents::one(&self.readers, sub, client_id).await
    }

    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError> {
        consents::of_user(&self.readers, sub).await
    }

    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
        grants::of_user(&self.readers, sub, now).await
    }

    async fn count_grants(&self, owner: &GrantOwner, now: i64) -> Result<u64, StoreError> {
        grants::count(&self.readers, owner.into(), now).await
    }

    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
        grants::one(&self.readers, grant_id).await
    }

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError> {
        grants::code(&self.readers, hash).await
    }

    async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        self.refresh_tokens.refresh_token(grant_id).await
    }

    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        devices::add(&self.writer, device).await
    }

    async fn pending_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        devices::pending(&self.readers, user_code, now).await
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
        pushed_requests::add(&self.writer, pushed).await
    }

    async fn use_request_object(&self, hash: &TokenHash, exp: i64) -> Result<bool, StoreError> {
        pushed_requests::use_request_object(&self.writer, hash, exp).await
    }

    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        browser: &TokenHash,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
        pushed_requests::visit(&self.writer, hash, client_id, browser, now, until).await
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

    /// More than a sign-in or a token does, so that a full disk makes the server unready first.
    #[tokio::test]
    async fn readiness_check_writes_much_to_the_disk() {
        let OnDisk { store, _folder: folder } = fresh().await;
        let log = folder.path().join("test.db-wal");
        let before = std::fs::metadata(&log).unwrap().len();
        store.ready().await.unwrap();
        let written = std::fs::metadata(&log).unwrap().len() - before;
        assert!(written > 64 * 1024, "{written}");
    }

    mod in_memory {
        use crate::storage::{SqliteStore, conformance};

        struct InMemory {
            store: SqliteStore,
        }

        async fn fresh() -> InMemory {
            InMemory { store: SqliteStore::open_in_memory().await.unwrap() }
        }

        conformance::suite!(fresh);
    }

    #[tokio::test]
    async fn unusable_folder_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = file.path().join("gatepass.db");
        let error = SqliteStore::open(&database).await.err().unwrap();
        assert!(error.to_string().contains(database.to_str().unwrap()), "{error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_opens_create_one_database() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let opened =
            futures_util::future::join_all((0..20).map(|_| SqliteStore::open(&file))).await;
        for store in opened {
            assert_eq!(store.unwrap().revision().await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn newer_schema_is_rejected() {
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
