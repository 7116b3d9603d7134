mod audit;
mod change;
mod clients;
mod connect;
mod consents;
mod devices;
mod effects;
mod glance;
mod grants;
mod issue;
mod keys;
mod logout_news;
mod lookups;
mod pushed;
mod registrations;
mod sessions;
mod sweep;
mod tokens;
mod users;

use async_trait::async_trait;
use sqlx::PgPool;

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

/// The store that many servers share.
///
/// Each verb is one transaction that sees what was committed before each of its statements; where
/// two could be in each other's way, both begin with the same row, and the later one waits for it.
pub struct PostgresStore {
    pool: PgPool,
    lookups: RefreshTokenLoader,
}

impl PostgresStore {
    /// Connect to the database, and bring it to this version's tables.
    ///
    /// # Errors
    /// When it cannot be reached, or belongs to a newer version. The password is not in the error.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let pool = connect::connect(url).await?;
        Ok(Self { lookups: RefreshTokenLoader::of(pool.clone()), pool })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT counter FROM revision").fetch_one(&self.pool).await?)
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        clients::all(&self.pool).await
    }

    async fn add_client(&self, client: &Client, now: i64) -> Result<(), StoreError> {
        clients::add(&self.pool, client, now).await
    }

    async fn rotate_secret(
        &self,
        client_id: &str,
        new: &SecretHash,
        old_until: Option<i64>,
        now: i64,
    ) -> Result<(), StoreError> {
        clients::rotate_secret(&self.pool, client_id, new, old_until, now).await
    }

    async fn disable_client(&self, client_id: &str, now: i64) -> Result<(), StoreError> {
        clients::disable(&self.pool, client_id, now).await
    }

    async fn remove_client(&self, client_id: &str, now: i64) -> Result<(), StoreError> {
        clients::remove(&self.pool, client_id, now).await
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError> {
        registrations::one(&self.pool, client_id).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        keys::all(&self.pool).await
    }

    async fn install_keys(
        &self,
        current: &NewKey,
        next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError> {
        keys::install(&self.pool, current, next, now).await
    }

    async fn rotate_keys(
        &self,
        expected_current: &str,
        new_next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError> {
        keys::rotate(&self.pool, expected_current, new_next, now).await
    }

    async fn withdraw_key(&self, kid: &str) -> Result<bool, StoreError> {
        keys::withdraw(&self.pool, kid).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query(CAN_WRITE).execute(&self.pool).await?;
        Ok(())
    }

    async fn apply(&self, entry: AuditedChange) -> Result<(), StoreError> {
        effects::apply(&self.pool, &entry).await
    }

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError> {
        tokens::opaque_token(&self.pool, hash).await
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        tokens::is_revoked(&self.pool, jti).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        audit::find(&self.pool, query).await
    }

    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError> {
        sweep::delete_expired(&self.pool, before).await
    }
}

#[async_trait]
impl LoginStore for PostgresStore {
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
        users::by_name(&self.pool, username).await
    }

    async fn add_user(&self, user: &User, now: i64) -> Result<(), StoreError> {
        users::add(&self.pool, user, now).await
    }

    async fn set_password(
        &self,
        username: &str,
        password: &SecretHash,
        now: i64,
    ) -> Result<(), StoreError> {
        users::set_password(&self.pool, username, password, now).await
    }

    async fn disable_user(&self, username: &str, now: i64) -> Result<(), StoreError> {
        users::disable(&self.pool, username, now).await
    }

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
        again_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError> {
        logout_news::take(&self.pool, now, again_at, limit).await
    }

    async fn delete_logout_notification(
        &self,
        news: &LogoutNotification,
    ) -> Result<(), StoreError> {
        logout_news::forget(&self.pool, news).await
    }

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        consents::one(&self.pool, sub, client_id).await
    }

    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError> {
        consents::of_user(&self.pool, sub).await
    }

    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
        grants::of_user(&self.pool, sub, now).await
    }

    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        devices::add(&self.pool, device).await
    }

    async fn waiting_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        devices::waiting(&self.pool, user_code, now).await
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
        pushed::add(&self.pool, pushed).await
    }

    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
        pushed::visit(&self.pool, hash, client_id, now, until).await
    }

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError> {
        grants::code(&self.pool, hash).await
    }

    async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        self.lookups.refresh_token(grant_id).await
    }

    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
        grants::one(&self.pool, grant_id).await
    }
}
