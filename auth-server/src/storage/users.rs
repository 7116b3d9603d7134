use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Actor, User};

/// Storage of users and of the installation's secret and issuer.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Returns the secret that all servers of this installation share. The first call stores
    /// `fresh`.
    async fn installation_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Stores the issuer of this installation, and returns the one that was stored before.
    async fn replace_issuer(&self, issuer: &str) -> Result<Option<String>, StoreError>;

    async fn users(&self) -> Result<Vec<User>, StoreError>;

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;

    async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError>;

    /// Returns the users that have one of these names.
    async fn users_by_username(&self, usernames: &[String]) -> Result<Vec<User>, StoreError>;

    /// Adds the users whose name and `sub` are not in use, each with its audit record, in one
    /// transaction.
    async fn add_missing_users(
        &self,
        users: Vec<User>,
        actor: Actor,
        at_millis: i64,
    ) -> Result<(), StoreError>;
}
