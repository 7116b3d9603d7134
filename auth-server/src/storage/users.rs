use async_trait::async_trait;

use super::StoreError;
use crate::domain::User;

/// Storage of users and of the installation's secret.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Returns the secret that all servers of this installation share. The first call stores
    /// `fresh`.
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    async fn users(&self) -> Result<Vec<User>, StoreError>;

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError>;
}
