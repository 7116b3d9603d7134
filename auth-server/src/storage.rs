//! Storage of C. Each method is atomic. With a database on disk, its effect is durable when it
//! returns; [`MemoryStore`] ends with the process.
//!
//! A backend implements [`Store`] and passes the suite in `conformance`, races included.

mod change;
mod error;
mod grants;
mod inspection;
mod memory;
mod postgres;
mod refresh_token_loader;
mod running_servers;
mod sessions;
mod shared_buckets;
mod sql;
mod sqlite;
mod stored_keys;
mod users;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{
    AuditQuery, AuditRecord, Client, OpaqueToken, Registration, SigningKey, TokenHash,
};

pub use change::{
    AuditedChange, Authorization, Change, DeviceDecision, GrantOwner, RegistrationUpdate,
};
pub use error::StoreError;
pub use grants::GrantStore;
pub use inspection::{DatabaseContents, DatabaseInspection};
pub use memory::MemoryStore;
pub use postgres::PostgresStore;
pub use running_servers::{RunningServers, ServerId};
pub use sessions::SessionStore;
pub use shared_buckets::SharedBuckets;
pub use sqlite::SqliteStore;
pub use stored_keys::StoredKeys;
pub use users::{Installation, UserStore};

/// Limits of [`Store::delete_expired`].
#[derive(Clone, Copy, Debug)]
pub struct RetentionCutoffs {
    /// Deletes grants, codes and tokens that expired before this second.
    pub tokens: i64,
    /// Deletes revocations of access tokens, and uses of request objects, that expired before this
    /// second. Without them a token or a request object would be valid.
    pub revocations: i64,
    /// Deletes retired keys that were retired before this second.
    pub keys: i64,
    /// Deletes audit records from before this millisecond.
    pub audit_millis: i64,
    /// Deletes sessions that were last seen before this second.
    pub sessions: i64,
}

/// Storage of clients, keys, access tokens and the audit log.
#[async_trait]
pub trait Store: UserStore + SessionStore + GrantStore {
    /// Applies a change and stores its audit record in one transaction: both are stored, or
    /// neither. Every change of a client, a user, a key or a grant goes through here.
    async fn apply(&self, change: AuditedChange) -> Result<(), StoreError>;

    /// Returns the audit records that match, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError>;

    /// Returns a number that increases with every change of a client or a key.
    async fn revision(&self) -> Result<i64, StoreError>;

    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Returns the registration of a dynamically registered client that is enabled.
    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError>;

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError>;

    /// Returns whether the access token was revoked, or the grant that its `jti` names. A grant
    /// that was deleted counts as revoked.
    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError>;

    /// Returns the rate limits that several servers share; `None` if only one server can use the
    /// database.
    fn shared_buckets(&self) -> Option<Arc<dyn SharedBuckets>>;

    /// Returns the servers that use the database; `None` if only one can use it.
    fn running_servers(&self) -> Option<Arc<dyn RunningServers>>;

    /// Returns whether several servers can use the database.
    fn is_shared(&self) -> bool {
        self.shared_buckets().is_some()
    }

    /// Checks that the database can be written to, without changing anything. A read would also
    /// succeed on a full disk.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Deletes a batch of expired rows and returns their number.
    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError>;
}
