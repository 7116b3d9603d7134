use async_trait::async_trait;

use super::{GrantOwner, StoreError};
use crate::domain::{
    Consent, DeviceAuthorization, PushedAuthorizationRequest, StoredAuthorizationCode,
    StoredDeviceAuthorization, StoredRefreshToken, TokenHash, UserGrant,
};

/// Storage of consents, grants, and the codes, tokens and requests that lead to them.
#[async_trait]
pub trait GrantStore: Send + Sync {
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError>;

    /// Returns the user's consents, newest first.
    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError>;

    /// Returns the user's grants that are neither expired nor revoked, newest first.
    async fn grants_of(&self, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError>;

    /// Returns the number of an owner's grants that are neither expired nor revoked.
    async fn count_grants(&self, owner: &GrantOwner, now: i64) -> Result<u64, StoreError>;

    /// Returns a grant, even if it is revoked.
    async fn grant(&self, grant_id: &str) -> Result<Option<UserGrant>, StoreError>;

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredAuthorizationCode>, StoreError>;

    /// Returns the current refresh token of a grant, even if the grant is revoked.
    async fn refresh_token(&self, grant_id: &str)
    -> Result<Option<StoredRefreshToken>, StoreError>;

    /// Stores a device authorization. Returns `false` if its user code is already in use.
    async fn add_device(&self, device: &DeviceAuthorization) -> Result<bool, StoreError>;

    /// Returns the pending device authorization with this user code.
    async fn pending_device(
        &self,
        user_code: &str,
        now: i64,
    ) -> Result<Option<DeviceAuthorization>, StoreError>;

    /// Returns a device authorization of this client and records the poll. Polls of another client
    /// find nothing and are not recorded.
    async fn poll_device(
        &self,
        hash: &TokenHash,
        client_id: &str,
        now: i64,
    ) -> Result<Option<StoredDeviceAuthorization>, StoreError>;

    async fn push_request(&self, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError>;

    /// Records the use of a request object until `exp`. Returns `false` if it was used before.
    async fn use_request_object(&self, hash: &TokenHash, exp: i64) -> Result<bool, StoreError>;

    /// Returns a client's pushed authorization request if it has not expired. The first call binds
    /// it to `browser` and extends its expiry to at least `until`, so that the user has time to
    /// sign in; later calls return it to this browser alone and extend nothing.
    async fn visit_pushed_request(
        &self,
        hash: &TokenHash,
        client_id: &str,
        browser: &TokenHash,
        now: i64,
        until: i64,
    ) -> Result<Option<PushedAuthorizationRequest>, StoreError>;
}
