use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::runtime::Handle;

use crate::{
    domain::{BucketKey, BucketLimit, TokenBucket},
    storage::SharedBuckets,
};

/// Limits failed attempts with one token bucket per subject, such as a client id, and network.
///
/// A bucket belongs to a subject *and* a network, so an attacker elsewhere exhausts a separate
/// bucket and does not lock the client out.
///
/// With [`SharedBuckets`], servers on the same database share the buckets. A server uses them only
/// while its own bucket is not full, so a success after no failure writes nothing; *n* servers
/// therefore allow up to *n* − 1 attempts more than the limit. If the database does not answer,
/// each server limits on its own.
pub struct RateLimiter {
    name: &'static str,
    limit: BucketLimit,
    /// Created by the first attempt: an empty cache takes tens of kilobytes.
    buckets: OnceLock<Cache<BucketKey, Arc<Mutex<LocalBucket>>>>,
    shared: Option<Arc<dyn SharedBuckets>>,
}

#[derive(Default)]
struct LocalBucket {
    bucket: TokenBucket,
    /// Number of permits that were taken here but not from the shared bucket.
    unshared: u32,
}

/// A permit for one attempt. It is returned on drop, after a success or if no attempt was made.
/// Only a failure consumes it.
#[must_use = "dropping a permit returns it"]
pub struct Permit {
    bucket: Arc<Mutex<LocalBucket>>,
    key: BucketKey,
    limit: BucketLimit,
    shared: Option<(Arc<dyn SharedBuckets>, Handle)>,
    consumed: bool,
}

impl Permit {
    /// Consumes the permit after a failure. Only time restores it.
    pub fn consume(mut self) {
        self.consumed = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.consumed {
            return;
        }
        let mut local = lock(&self.bucket);
        local.bucket.put_back(self.limit);
        if local.unshared > 0 {
            local.unshared -= 1;
        } else if let Some((shared, runtime)) = self.shared.take() {
            let (key, limit) = (self.key, self.limit);
            runtime.spawn(async move {
                if let Err(error) = shared.put_back(&key, limit).await {
                    tracing::debug!(%error, "failed to return a permit to the database");
                }
            });
        }
    }
}

/// Maximum number of buckets. Together with the size of a key, it bounds the memory that callers
/// with made-up names can use.
const MAX_BUCKETS: u64 = 50_000;

impl RateLimiter {
    /// Creates a limit. Its name distinguishes its buckets from those of other limits in the
    /// database.
    pub fn new(
        name: &'static str,
        burst: u32,
        refill_seconds: u32,
        shared: Option<Arc<dyn SharedBuckets>>,
    ) -> Self {
        let refill = Duration::from_secs(refill_seconds.max(1).into());
        let limit = BucketLimit { burst: burst.max(1), refill };
        Self { name, limit, buckets: OnceLock::new(), shared }
    }

    fn buckets(&self) -> &Cache<BucketKey, Arc<Mutex<LocalBucket>>> {
        self.buckets.get_or_init(|| {
            Cache::builder()
                .max_capacity(MAX_BUCKETS)
                .time_to_idle(self.limit.fill_time().max(Duration::from_secs(60)))
                .build()
        })
    }

    /// Acquires a permit before the outcome of an attempt is known, so that a burst of parallel
    /// guesses cannot exceed the limit. `uptime` is a time of a clock that never goes back.
    ///
    /// # Errors
    /// Returns the number of seconds until a permit is available.
    pub async fn acquire(
        &self,
        subject: &str,
        address: IpAddr,
        uptime: Duration,
    ) -> Result<Permit, u64> {
        self.acquire_from(BucketKey::new(self.name, subject, address), uptime).await
    }

    /// Acquires a permit of a subject that has one bucket for all networks.
    ///
    /// # Errors
    /// Returns the number of seconds until a permit is available.
    pub async fn acquire_for_all_networks(
        &self,
        subject: &str,
        uptime: Duration,
    ) -> Result<Permit, u64> {
        self.acquire_from(BucketKey::anywhere(self.name, subject), uptime).await
    }

    /// Makes every bucket full. Permits that are taken at this moment go back to the old buckets.
    pub fn clear(&self) {
        if let Some(buckets) = self.buckets.get() {
            buckets.invalidate_all();
        }
    }

    async fn acquire_from(&self, key: BucketKey, uptime: Duration) -> Result<Permit, u64> {
        let bucket = self.buckets().get_with(key, Arc::default);
        let first = {
            let mut local = lock(&bucket);
            let full = local.bucket.is_full(uptime);
            if full {
                local.unshared = 0;
            }
            local.bucket.take(self.limit, uptime).map_err(in_seconds)?;
            local.unshared += 1;
            full
        };
        let permit = Permit {
            key,
            limit: self.limit,
            shared: self.shared.clone().zip(Handle::try_current().ok()),
            consumed: false,
            bucket: Arc::clone(&bucket),
        };
        let Some(shared) = self.shared.as_ref().filter(|_| !first) else {
            return Ok(permit);
        };
        let transfer = Transfer::begin(&bucket);
        match shared.take(&key, transfer.permits, self.limit).await {
            Ok(Ok(())) => {
                transfer.complete();
                Ok(permit)
            }
            Ok(Err(wait)) => {
                drop(transfer);
                drop(permit);
                // Until then, this server rejects attempts without asking the database.
                lock(&bucket).bucket.empty_until(self.limit, uptime, wait);
                Err(in_seconds(wait))
            }
            Err(error) => {
                tracing::warn!(%error, limit = self.name, "rate limit is local: the database did not answer");
                Ok(permit)
            }
        }
    }
}

/// Moves the unshared permits of a bucket to the database. They are unshared again if the database
/// did not take them, or the caller disconnects meanwhile. Otherwise a caller could get permits
/// back from the database that it never took there.
struct Transfer<'a> {
    bucket: &'a Mutex<LocalBucket>,
    permits: u32,
}

impl<'a> Transfer<'a> {
    fn begin(bucket: &'a Mutex<LocalBucket>) -> Self {
        let permits = std::mem::take(&mut lock(bucket).unshared);
        Self { bucket, permits }
    }

    fn complete(mut self) {
        self.permits = 0;
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        lock(self.bucket).unshared += self.permits;
    }
}

fn lock(bucket: &Mutex<LocalBucket>) -> MutexGuard<'_, LocalBucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use async_trait::async_trait;
    use futures_util::FutureExt;
    use test_support::wait::until;

    use super::*;
    use crate::storage::StoreError;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const NOW: Duration = Duration::from_secs(1_000);

    impl RateLimiter {
        /// Makes a failed attempt.
        async fn fail(&self, subject: &str) -> Result<(), u64> {
            self.acquire(subject, HOME, NOW).await.map(Permit::consume)
        }
    }

    /// Buckets that do not refill, and switches for outages of the database.
    #[derive(Default)]
    struct MemoryBuckets {
        used: Mutex<HashMap<BucketKey, u32>>,
        writes: Mutex<u32>,
        unavailable: Mutex<bool>,
        stalled: Mutex<bool>,
    }

    impl MemoryBuckets {
        fn writes(&self) -> u32 {
            *self.writes.lock().unwrap()
        }

        fn write(&self) -> Result<(), StoreError> {
            if *self.unavailable.lock().unwrap() {
                return Err(StoreError::Unavailable("stopped".into()));
            }
            *self.writes.lock().unwrap() += 1;
            Ok(())
        }
    }

    #[async_trait]
    impl SharedBuckets for MemoryBuckets {
        async fn take(
            &self,
            key: &BucketKey,
            count: u32,
            limit: BucketLimit,
        ) -> Result<Result<(), Duration>, StoreError> {
            if *self.stalled.lock().unwrap() {
                std::future::pending::<()>().await;
            }
            self.write()?;
            let mut used = self.used.lock().unwrap();
            let used = used.entry(*key).or_default();
            if *used >= limit.burst {
                return Ok(Err(limit.refill));
            }
            *used = (*used + count).min(limit.burst);
            Ok(Ok(()))
        }

        async fn put_back(&self, key: &BucketKey, _: BucketLimit) -> Result<(), StoreError> {
            self.write()?;
            *self.used.lock().unwrap().entry(*key).or_default() -= 1;
            Ok(())
        }
    }

    fn servers(shared: &Arc<MemoryBuckets>) -> [RateLimiter; 3] {
        [(); 3].map(|()| {
            RateLimiter::new("test", 10, 6, Some(Arc::clone(shared) as Arc<dyn SharedBuckets>))
        })
    }

    #[tokio::test]
    async fn attempts_after_the_burst_are_rejected_with_the_wait() {
        let limit = RateLimiter::new("test", 2, 10, None);
        for _ in 0..2 {
            limit.fail("a").await.unwrap();
        }
        assert_eq!(limit.fail("a").await, Err(10));
        assert_eq!(limit.fail("b").await, Ok(()), "another subject");
        let later = NOW + Duration::from_millis(9_500);
        assert_eq!(limit.acquire("a", HOME, later).await.map(drop), Err(1));
    }

    #[tokio::test]
    async fn subject_without_a_network_has_one_bucket() {
        let limit = RateLimiter::new("test", 1, 10, None);
        limit.acquire_for_all_networks("a", NOW).await.unwrap().consume();
        assert_eq!(limit.acquire_for_all_networks("a", NOW).await.map(drop), Err(10));
        assert_eq!(limit.acquire_for_all_networks("b", NOW).await.map(drop), Ok(()));
        assert_eq!(limit.acquire("a", HOME, NOW).await.map(drop), Ok(()));
    }

    #[tokio::test]
    async fn success_returns_its_permit() {
        let limit = RateLimiter::new("test", 1, 10, None);
        for _ in 0..5 {
            drop(limit.acquire("a", HOME, NOW).await.unwrap());
        }
    }

    #[tokio::test]
    async fn long_subjects_use_no_more_memory_than_short_ones() {
        let limit = RateLimiter::new("test", 1, 10, None);
        limit.fail(&"a".repeat(65_000)).await.unwrap();
        let keys: Vec<usize> = limit.buckets().iter().map(|(key, _)| size_of_val(&*key)).collect();
        assert_eq!(keys, [32]);
    }

    #[tokio::test]
    async fn servers_share_a_limit_up_to_one_attempt_each() {
        let shared = Arc::new(MemoryBuckets::default());
        let servers = servers(&shared);
        let mut allowed = 0;
        for server in &servers {
            while server.fail("a").await.is_ok() {
                allowed += 1;
            }
        }
        assert_eq!(allowed, 12, "10 + n - 1");
        let shared = Arc::new(MemoryBuckets::default());
        let servers = self::servers(&shared);
        let mut in_turns = 0;
        for turn in 0..30 {
            in_turns += u32::from(servers[turn % 3].fail("a").await.is_ok());
        }
        assert_eq!(in_turns, 10);
    }

    #[tokio::test]
    async fn successes_without_failures_write_nothing() {
        let shared = Arc::new(MemoryBuckets::default());
        let [server, ..] = servers(&shared);
        for _ in 0..5 {
            drop(server.acquire("a", HOME, NOW).await.unwrap());
        }
        server.fail("a").await.unwrap();
        assert_eq!(shared.writes(), 0);
        server.fail("a").await.unwrap();
        assert_eq!((shared.writes(), shared.used.lock().unwrap().values().sum()), (1, 2));
    }

    #[tokio::test]
    async fn success_after_failures_returns_the_shared_permit() {
        let shared = Arc::new(MemoryBuckets::default());
        let [server, ..] = servers(&shared);
        for _ in 0..2 {
            server.fail("a").await.unwrap();
        }
        drop(server.acquire("a", HOME, NOW).await.unwrap());
        until("the permit is returned", async || shared.writes() >= 3).await;
        assert_eq!(shared.used.lock().unwrap().values().sum::<u32>(), 2);
    }

    #[tokio::test]
    async fn rejected_server_does_not_ask_the_database_again() {
        let shared = Arc::new(MemoryBuckets::default());
        let [one, other, _] = servers(&shared);
        while one.fail("a").await.is_ok() {}
        other.fail("a").await.unwrap();
        assert_eq!(other.fail("a").await, Err(6));
        let writes = shared.writes();
        assert_eq!(other.fail("a").await, Err(6));
        assert_eq!(shared.writes(), writes);
    }

    /// A caller could otherwise disconnect again and again, and get a permit back each time.
    #[tokio::test]
    async fn disconnecting_while_the_database_is_asked_returns_no_shared_permit() {
        let shared = Arc::new(MemoryBuckets::default());
        let [server, ..] = servers(&shared);
        for _ in 0..4 {
            server.fail("a").await.unwrap();
        }
        let used = || shared.used.lock().unwrap().values().sum::<u32>();
        assert_eq!((used(), shared.writes()), (4, 3));
        *shared.stalled.lock().unwrap() = true;
        for _ in 0..20 {
            assert!(server.acquire("a", HOME, NOW).now_or_never().is_none());
        }
        *shared.stalled.lock().unwrap() = false;
        // A permit that was put back would be written before this one.
        drop(server.acquire("a", HOME, NOW).await.unwrap());
        until("the permit is returned", async || shared.writes() >= 5).await;
        assert_eq!((used(), shared.writes()), (4, 5));
    }

    #[tokio::test]
    async fn servers_limit_on_their_own_while_the_database_is_away() {
        let shared = Arc::new(MemoryBuckets::default());
        let [server, ..] = servers(&shared);
        *shared.unavailable.lock().unwrap() = true;
        let mut allowed = 0;
        while server.fail("a").await.is_ok() {
            allowed += 1;
        }
        assert_eq!(allowed, 10);
    }
}
