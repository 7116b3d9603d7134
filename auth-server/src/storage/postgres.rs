mod access_tokens;
mod audit_log;
mod changes;
mod client_registrations;
mod clients;
mod consents;
mod devices;
mod expiry;
mod grants;
mod inspection;
mod issue_tokens;
mod keys;
mod logout_queue;
mod pushed_requests;
mod refresh_token_loader;
mod revision;
mod sessions;
mod users;

use async_trait::async_trait;
use sqlx::{PgPool, migrate::Migrator};

use super::{
    AuditedChange, GrantStore, RetentionCutoffs, SessionStore, Store, StoreError, UserStore,
    refresh_token_loader::RefreshTokenLoader, sql::revision::CHECK_WRITABLE,
};
use crate::domain::{
    AuditQuery, AuditRecord, Client, Consent, DeviceAuthorization, LogoutNotification, OpaqueToken,
    PushedAuthorizationRequest, Registration, Session, SigningKey, StoredAuthorizationCode,
    StoredDeviceAuthorization, StoredRefreshToken, TokenHash, User, UserGrant,
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
    /// Returns an error if the database cannot be reached, or its schema is newer than this
    /// program. The error does not contain the password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let pool = sql_kit::postgres::connect(url, &MIGRATIONS).await?;
        Ok(Self { refresh_tokens: RefreshTokenLoader::spawn(pool.clone()), pool })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn apply(&self, change: AuditedChange) -> Result<(), StoreError> {
        changes::apply(&self.pool, &change).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        audit_log::find(&self.pool, query).await
    }

    async fn revision(&self) -> Result<i64, StoreError> {
        revision::current(&self.pool).await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        clients::all(&self.pool).await
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError> {
        client_registrations::one(&self.pool, client_id).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        keys::all(&self.pool).await
    }

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
        access_tokens::by_hash(&self.pool, hash).await
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        access_tokens::is_revoked(&self.pool, jti).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query(CHECK_WRITABLE).execute(&self.pool).await?;
        Ok(())
    }

    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError> {
        expiry::delete_expired(&self.pool, before).await
    }
}

#[async_trait]
impl UserStore for PostgresStore {
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        users::installation_secret(&self.pool, fresh).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        users::all(&self.pool).await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        users::by_sub(&self.pool, sub).await
    }

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        users::by_username(&self.pool, username).await
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
        sessions::by_hash(&self.pool, hash).await
    }

    async fn session_by_sid(&self, sid: &str) -> Result<Option<Session>, StoreError> {
        sessions::by_sid(&self.pool, sid).await
    }

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
        sessions::touch(&self.pool, hash, now).await
    }

    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError> {
        sessions::of_user(&self.pool, sub).await
    }

    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError> {
        sessions::clients(&self.pool, sid).await
    }

    async fn take_due_logout_notifications(
        &self,
        now: i64,
        next_attempt_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError> {
        logout_queue::take(&self.pool, now, next_attempt_at, limit).await
    }

    async fn delete_logout_notification(
        &self,
        notification: &LogoutNotification,
    ) -> Result<(), StoreError> {
        logout_queue::delete(&self.pool, notification).await
    }
}

#[async_trait]
impl GrantStore for PostgresStore {
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        consents::one(&self.pool, sub, client_id).await
    }

    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError> {
        consents::of_user(&self.pool, sub).await
    }

    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
        grants::of_user(&self.pool, sub, now).await
    }

    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
        grants::one(&self.pool, grant_id).await
    }

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError> {
        grants::code(&self.pool, hash).await
    }

    async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        self.refresh_tokens.refresh_token(grant_id).await
    }

    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        devices::add(&self.pool, device).await
    }

    async fn pending_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        devices::pending(&self.pool, user_code, now).await
    }

    async fn poll_device(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
    ) -> Result<Option<StoredDeviceAuthorization>, StoreError> {
        devices::poll(&self.pool, hash, client_id, now).await
    }

    async fn push_request(&self, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError> {
        pushed_requests::add(&self.pool, pushed).await
    }

    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
        pushed_requests::visit(&self.pool, hash, client_id, now, until).await
    }
}
