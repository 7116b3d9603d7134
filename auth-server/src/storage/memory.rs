use std::sync::Arc;

use super::{SqliteStore, Store, StoreError, StoredKeys};
use crate::domain::User;

/// A store in memory, the only kind that can be emptied.
#[derive(Clone)]
pub struct MemoryStore(Arc<SqliteStore>);

impl MemoryStore {
    /// Creates an empty store, which ends with its last clone.
    ///
    /// # Errors
    /// Returns an error if the schema cannot be created.
    pub async fn create() -> Result<Self, StoreError> {
        Ok(Self(Arc::new(SqliteStore::open_in_memory().await?)))
    }

    /// Returns the store itself.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::<SqliteStore>::clone(&self.0)
    }

    /// Deletes everything but the installation's secret and maybe the keys, and adds `users`, in
    /// one transaction. Running servers reload clients and keys.
    ///
    /// # Errors
    /// Returns an error if a user cannot be added. Nothing is deleted then.
    pub async fn reset(
        &self,
        users: &[User],
        keys: StoredKeys,
        now: i64,
    ) -> Result<(), StoreError> {
        self.0.reset(users, keys, now).await
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        domain::{Actor, Algorithm, Attributes, AuditQuery, Client, NewKey, SecretHash},
        storage::AuditedChange,
    };

    fn user(name: &str) -> User {
        User {
            sub: format!("sub-of-{name}"),
            username: name.to_owned(),
            password: SecretHash::Argon2id("$argon2id$".to_owned()),
            claims: oauth_types::StandardClaims::default(),
            attributes: Attributes::default(),
            enabled: true,
            device_generation: 0,
        }
    }

    fn key(kid: &str) -> NewKey {
        let pkcs8 = Zeroizing::new(vec![1]);
        NewKey { kid: kid.to_owned(), algorithm: Algorithm::ES256, pkcs8 }
    }

    #[tokio::test]
    async fn reset_deletes_everything_but_the_secret_and_the_kept_keys() {
        let memory = MemoryStore::create().await.unwrap();
        let store = memory.store();
        let installation = async |fresh| {
            let installation = store.update_installation([fresh; 32], "https://c").await;
            installation.unwrap().secret
        };
        let secret = installation(1).await;
        let install = AuditedChange::install_keys(key("one"), key("two"), Actor::System, 10);
        store.apply(install).await.unwrap();
        for (keys, kept) in [(StoredKeys::Keep, 2), (StoredKeys::Delete, 0)] {
            let client = Client::without_access("a");
            store.apply(AuditedChange::add_client(client, Actor::System, 10)).await.unwrap();
            store.apply(AuditedChange::add_user(user("bob"), Actor::System, 10)).await.unwrap();
            let before = store.revision().await.unwrap();
            memory.reset(&[user("alice")], keys, 20).await.unwrap();
            assert!(store.clients().await.unwrap().is_empty());
            let users = store.users().await.unwrap();
            assert_eq!((users.len(), &*users[0].username), (1, "alice"));
            assert!(store.audit(&AuditQuery::default()).await.unwrap().is_empty());
            assert_eq!(store.signing_keys().await.unwrap().len(), kept);
            assert!(store.revision().await.unwrap() > before);
            assert_eq!(installation(2).await, secret);
        }
    }
}
