use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Consent, SecretHash, Session, StoredCode, StoredRefreshToken, TokenHash, User};

/// What C remembers of users. What happens to them is stored by [`super::Store::append`], with its audit record.
#[async_trait]
pub trait LoginStore: Send + Sync {
    /// A secret of this installation, the same for all its servers: made at the first call.
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    async fn users(&self) -> Result<Vec<User>, StoreError>;

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;

    async fn user_named(&self, username: &str) -> Result<Option<User>, StoreError>;

    async fn add_user(&self, user: &User, now: i64) -> Result<(), StoreError>;

    /// A new password ends every session: whoever knew the old one is out.
    async fn set_password(&self, username: &str, password: &SecretHash, now: i64) -> Result<(), StoreError>;

    /// End every session of the user, and void all that was issued to clients for them.
    async fn disable_user(&self, username: &str, now: i64) -> Result<(), StoreError>;

    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError>;

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError>;

    /// Where a user is signed in, the newest first.
    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError>;

    /// The clients that took part in a session.
    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError>;

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError>;

    /// What a user has allowed, the newest first.
    async fn consents_of(&self, sub: &str) -> Result<Vec<Consent>, StoreError>;

    async fn code(&self, hash: &TokenHash) -> Result<Option<StoredCode>, StoreError>;

    async fn refresh_token(&self, hash: &TokenHash) -> Result<Option<StoredRefreshToken>, StoreError>;
}
