use std::time::Duration;

use async_trait::async_trait;
use sql_kit::within_time_budget;
use sqlx::PgPool;

use crate::{
    domain::{BucketKey, BucketLimit},
    storage::{SharedBuckets, StoreError},
};

/// The table `rate_limits`.
pub(super) struct PostgresBuckets(pub PgPool);

/// `$2` permits of `$3` milliseconds each, in a bucket that fills in `$4` milliseconds. No row is
/// returned if the bucket is empty.
const TAKE: &str = "
    INSERT INTO rate_limits AS stored (key, full_at)
    VALUES ($1, clock_timestamp() + LEAST($2 * $3, $4) * INTERVAL '1 ms')
    ON CONFLICT (key) DO UPDATE SET full_at = LEAST(
        GREATEST(stored.full_at, clock_timestamp()) + $2 * $3 * INTERVAL '1 ms',
        clock_timestamp() + $4 * INTERVAL '1 ms')
    WHERE stored.full_at <= clock_timestamp() + ($4 - $3) * INTERVAL '1 ms'
    RETURNING TRUE";

const WAIT: &str = "
    SELECT CEIL(EXTRACT(EPOCH FROM full_at - clock_timestamp()) * 1000)::BIGINT - ($2 - $3)
    FROM rate_limits WHERE key = $1";

/// Empties a bucket that was written before the clock of the database was set back, so that nobody
/// waits longer than it takes to fill.
const EMPTY: &str = "
    UPDATE rate_limits SET full_at = clock_timestamp() + $2 * INTERVAL '1 ms'
    WHERE key = $1 AND full_at > clock_timestamp() + $2 * INTERVAL '1 ms'";

const PUT_BACK: &str =
    "UPDATE rate_limits SET full_at = full_at - $2 * INTERVAL '1 ms' WHERE key = $1";

#[async_trait]
impl SharedBuckets for PostgresBuckets {
    async fn take(
        &self,
        key: &BucketKey,
        count: u32,
        limit: BucketLimit,
    ) -> Result<Result<(), Duration>, StoreError> {
        within_time_budget(async {
            let (refill, fill_time) = (millis(limit.refill), millis(limit.fill_time()));
            let taken = sqlx::query(TAKE)
                .bind(&key.0[..])
                .bind(i64::from(count))
                .bind(refill)
                .bind(fill_time)
                .fetch_optional(&self.0)
                .await?;
            if taken.is_some() {
                return Ok(Ok(()));
            }
            let wait: Option<i64> = sqlx::query_scalar(WAIT)
                .bind(&key.0[..])
                .bind(fill_time)
                .bind(refill)
                .fetch_optional(&self.0)
                .await?;
            if wait.is_some_and(|wait| wait > refill) {
                sqlx::query(EMPTY).bind(&key.0[..]).bind(fill_time).execute(&self.0).await?;
            }
            let wait = wait.and_then(|wait| u64::try_from(wait).ok()).unwrap_or_default();
            Ok(Err(Duration::from_millis(wait.max(1)).min(limit.refill)))
        })
        .await
    }

    async fn put_back(&self, key: &BucketKey, limit: BucketLimit) -> Result<(), StoreError> {
        sqlx::query(PUT_BACK).bind(&key.0[..]).bind(millis(limit.refill)).execute(&self.0).await?;
        Ok(())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
