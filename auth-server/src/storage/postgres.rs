mod access_tokens;
mod audit_log;
mod backend;
mod changes;
mod expiry;
mod inspection;
mod issue_tokens;
mod refresh_token_loader;
mod running_servers;
mod shared_buckets;

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

use std::sync::Arc;

use async_trait::async_trait;
use sql_kit::within_time_budget;
use sqlx::{PgPool, migrate::Migrator};

use super::{
    AuditedChange, GrantOwner, GrantStore, Installation, RetentionCutoffs, RunningServers,
    SessionStore, SharedBuckets, Store, StoreError, UserStore,
    refresh_token_loader::RefreshTokenLoader, sql::revision::CHECK_WRITABLE,
};
use crate::domain::{
    Actor, AuditQuery, AuditRecord, Client, Consent, DeviceAuthorization, LogoutNotification,
    OpaqueToken, PushedAuthorizationRequest, Registration, Session, SigningKey,
    StoredAuthorizationCode, StoredDeviceAuthorization, StoredRefreshToken, TokenHash, User,
    UserGrant,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A database that several servers share.
///
/// Each change is one transaction in READ COMMITTED. Changes that could conflict lock the same row
/// first, so that the later one waits.
pub struct PostgresStore {
    pool: PgPool,
    refresh_tokens: RefreshTokenLoader,
}

impl PostgresStore {
    /// Connects to the database and migrates its schema.
    ///
    /// # Errors
    /// Returns an error if the database cannot be reached, its schema is newer than this program,
    /// or it is older and the role may not change it. The error does not contain the password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let pool = sql_kit::postgres::connect(url, &MIGRATIONS, "auth-server migrate").await?;
        Ok(Self::on(pool))
    }

    /// Connects to a database whose schema is that of this program.
    ///
    /// # Errors
    /// Returns an error if the database cannot be reached, or its schema is another. The error does
    /// not contain the password.
    pub async fn connect_migrated(url: &str) -> Result<Self, StoreError> {
        let command = "auth-server migrate";
        Ok(Self::on(sql_kit::postgres::connect_migrated(url, &MIGRATIONS, command).await?))
    }

    fn on(pool: PgPool) -> Self {
        Self { refresh_tokens: RefreshTokenLoader::spawn(pool.clone()), pool }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn apply(&self, change: AuditedChange) -> Result<(), StoreError> {
        within_time_budget(changes::apply(&self.pool, &change)).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        within_time_budget(audit_log::find(&self.pool, query)).await
    }

    async fn revision(&self) -> Result<i64, StoreError> {
        within_time_budget(revision::current(&self.pool)).await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        within_time_budget(clients::all(&self.pool)).await
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError> {
        within_time_budget(client_registrations::one(&self.pool, client_id)).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        within_time_budget(keys::all(&self.pool)).await
    }

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
        within_time_budget(access_tokens::by_hash(&self.pool, hash)).await
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        within_time_budget(access_tokens::is_revoked(&self.pool, jti)).await
    }

    fn shared_buckets(&self) -> Option<Arc<dyn SharedBuckets>> {
        Some(Arc::new(shared_buckets::PostgresBuckets(self.pool.clone())))
    }

    fn running_servers(&self) -> Option<Arc<dyn RunningServers>> {
        Some(Arc::new(running_servers::PostgresServers(self.pool.clone())))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        let check = sqlx::query(CHECK_WRITABLE).execute(&self.pool);
        within_time_budget(async { Ok(check.await.map(|_| ())?) }).await
    }

    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError> {
        within_time_budget(expiry::delete_expired(&self.pool, before)).await
    }
}

#[async_trait]
impl UserStore for PostgresStore {
    async fn update_installation(
        &self,
        fresh: [u8; 32],
        issuer: &str,
    ) -> Result<Installation, StoreError> {
        within_time_budget(users::update_installation(&self.pool, fresh, issuer)).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        within_time_budget(users::all(&self.pool)).await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        within_time_budget(users::by_sub(&self.pool, sub)).await
    }

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        within_time_budget(users::by_username(&self.pool, username)).await
    }

    async fn users_by_username(&self, usernames: &[String]) -> Result<Vec<User>, StoreError> {
        within_time_budget(users::by_usernames(&self.pool, usernames)).await
    }

    // Without a time budget, because a large users file takes longer than one change.
    async fn add_missing_users(
        &self,
        users: Vec<User>,
        actor: Actor,
        at_millis: i64,
    ) -> Result<(), StoreError> {
        users::add_missing(&self.pool, users, &actor, at_millis).await
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
        within_time_budget(sessions::by_hash(&self.pool, hash)).await
    }

    async fn session_by_sid(&self, sid: &str) -> Result<Option<Session>, StoreError> {
        within_time_budget(sessions::by_sid(&self.pool, sid)).await
    }

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
        within_time_budget(sessions::touch(&self.pool, hash, now)).await
    }

    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError> {
        within_time_budget(sessions::of_user(&self.pool, sub)).await
    }

    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError> {
        within_time_budget(sessions::clients(&self.pool, sid)).await
    }

    async fn take_due_logout_notifications(
        &self,
        now: i64,
        next_attempt_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError> {
        within_time_budget(async {
            if !logout_queue::is_due(&self.pool, now).await? {
                return Ok(Vec::new());
            }
            logout_queue::take(&self.pool, now, next_attempt_at, limit).await
        })
        .await
    }

    async fn delete_logout_notification(
        &self,
        notification: &LogoutNotification,
    ) -> Result<(), StoreError> {
        within_time_budget(logout_queue::delete(&self.pool, notification)).await
    }
}

#[async_trait]
impl GrantStore for PostgresStore {
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        within_time_budget(consents::one(&self.pool, sub, client_id)).await
    }

    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError> {
        within_time_budget(consents::of_user(&self.pool, sub)).await
    }

    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
        within_time_budget(grants::of_user(&self.pool, sub, now)).await
    }

    async fn count_grants(&self, owner: &GrantOwner, now: i64) -> Result<u64, StoreError> {
        within_time_budget(grants::count(&self.pool, owner.into(), now)).await
    }

    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
        within_time_budget(grants::one(&self.pool, grant_id)).await
    }

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError> {
        within_time_budget(grants::code(&self.pool, hash)).await
    }

    async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        within_time_budget(self.refresh_tokens.refresh_token(grant_id)).await
    }

    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        within_time_budget(devices::add(&self.pool, device)).await
    }

    async fn pending_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        within_time_budget(devices::pending(&self.pool, user_code, now)).await
    }

    async fn poll_device(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
    ) -> Result<Option<StoredDeviceAuthorization>, StoreError> {
        within_time_budget(devices::poll(&self.pool, hash, client_id, now)).await
    }

    async fn push_request(&self, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError> {
        within_time_budget(pushed_requests::add(&self.pool, pushed)).await
    }

    async fn use_request_object(&self, hash: &TokenHash, exp: i64) -> Result<bool, StoreError> {
        within_time_budget(pushed_requests::use_request_object(&self.pool, hash, exp)).await
    }

    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        browser: &TokenHash,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
        let visit = pushed_requests::visit(&self.pool, hash, client_id, browser, now, until);
        within_time_budget(visit).await
    }
}
