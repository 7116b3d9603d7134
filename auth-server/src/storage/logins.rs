use async_trait::async_trait;

use super::StoreError;
use crate::domain::{
    Consent, DeviceAuthorization, LogoutNotification, PushedAuthorizationRequest, SecretHash,
    Session, StoredAuthorizationCode, StoredDeviceAuthorization, StoredRefreshToken, TokenHash,
    User, UserGrant,
};

/// What C remembers of users. What happens to them is stored by [`super::Store::append`], with its
/// audit record.
#[async_trait]
pub trait LoginStore: Send + Sync {
    /// A secret of this installation, the same for all its servers: made at the first call.
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    async fn users(&self) -> Result<Vec<User>, StoreError>;

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError>;

    async fn add_user(&self, user: &User, now: i64) -> Result<(), StoreError>;

    /// A new password ends every session, as [`super::Change::EndSession`] does: whoever knew the
    /// old one is out.
    async fn set_password(
        &self,
        username: &str,
        password: &SecretHash,
        now: i64,
    ) -> Result<(), StoreError>;

    /// End every session of the user, as [`super::Change::EndSession`] does, and void all that was
    /// issued to clients for them.
    async fn disable_user(&self, username: &str, now: i64) -> Result<(), StoreError>;

    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError>;

    /// By its public name.
    async fn session_by_sid(&self, sid: &str) -> Result<Option<Session>, StoreError>;

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError>;

    /// Where a user is signed in, the newest first.
    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError>;

    /// The clients that take part in a session.
    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError>;

    /// Take up to `limit` of the news that are due. Nobody else gets them before `again_at`, and
    /// not at all once [`LoginStore::delete_logout_notification`] was called.
    async fn take_due_logout_notifications(
        &self,
        now: i64,
        again_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError>;

    /// The client was told, or cannot be.
    async fn delete_logout_notification(&self, news: &LogoutNotification)
    -> Result<(), StoreError>;

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError>;

    /// What a user has allowed, the newest first.
    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError>;

    /// What is in force of all that a user has allowed, the newest first.
    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError>;

    /// Let a device wait. Says whether it could: its user code may be taken.
    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError>;

    /// The device with this user code, if it still waits.
    async fn waiting_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError>;

    /// A device of this client asks what became of it. Another client's question is not counted
    /// against it.
    async fn poll_device(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
    ) -> Result<Option<StoredDeviceAuthorization>, StoreError>;

    async fn push_request(&self, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError>;

    /// A client's pushed request that is in force. The first visit keeps it so until `until` at
    /// least, because its user has begun; later ones add nothing.
    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError>;

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError>;

    /// The refresh token in force under a grant, also under one that is revoked.
    async fn refresh_token(&self, grant_id: &str)
    -> Result<Option<StoredRefreshToken>, StoreError>;

    /// Also one that is revoked.
    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError>;
}
