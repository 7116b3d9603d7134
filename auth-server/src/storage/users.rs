use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Actor, User};

/// What all servers on a database share.
pub struct Installation {
    /// Keys of cookies, forms and pairwise identifiers are derived from it.
    pub secret: [u8; 32],
    /// The issuer of the last server that started on the database.
    pub previous_issuer: Option<String>,
}

/// Storage of users and of the installation's secret and issuer.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Stores the issuer of this installation and, with the first call, the secret `fresh`.
    async fn update_installation(
        &self,
        fresh: [u8; 32],
        issuer: &str,
    ) -> Result<Installation, StoreError>;

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
