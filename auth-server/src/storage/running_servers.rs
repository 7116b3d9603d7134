use async_trait::async_trait;

use super::StoreError;

/// Random, and new at each start of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerId(pub [u8; 16]);

/// The servers that use a database, and the revision of clients and keys that each has loaded. A
/// server that has reported nothing for five seconds, by the time of the database, has ended.
#[async_trait]
pub trait RunningServers: Send + Sync {
    /// Reports that a server runs, and that it has loaded this revision.
    async fn report(&self, server: ServerId, revision: i64) -> Result<(), StoreError>;

    /// Returns whether every running server has loaded this revision or a later one.
    async fn have_loaded(&self, revision: i64) -> Result<bool, StoreError>;
}
