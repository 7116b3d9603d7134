use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{BucketKey, BucketLimit};

/// Token buckets in a database that several servers share. They use the time of the database, so
/// the clocks of the servers may differ.
#[async_trait]
pub trait SharedBuckets: Send + Sync {
    /// Takes `count` permits, or those that are left, if there is at least one. Otherwise returns
    /// the time until there is one.
    async fn take(
        &self,
        key: &BucketKey,
        count: u32,
        limit: BucketLimit,
    ) -> Result<Result<(), Duration>, StoreError>;

    /// Puts a permit back.
    async fn put_back(&self, key: &BucketKey, limit: BucketLimit) -> Result<(), StoreError>;
}
