use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use crate::{
    domain::BucketKey,
    rate_limit::{Permit, RateLimiter},
};

/// Rate limits of client secrets that can be guessed.
///
/// Attempts from a network where the client has succeeded lately have a larger limit of their own.
/// Guesses from other networks, or with other client ids, cannot use it up.
pub struct SecretRateLimits {
    client: RateLimiter,
    /// Across all client ids. Bounds guessing with made-up ids.
    address: RateLimiter,
    known_network: RateLimiter,
    /// When each client last succeeded from a network, in seconds of uptime. Only a client with the
    /// right secret adds an entry.
    successes: Cache<BucketKey, Arc<AtomicU64>>,
}

/// How long a network is known after a success.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 3_600);
const MAX_KNOWN_NETWORKS: u64 = 10_000;

impl SecretRateLimits {
    pub fn new(client: RateLimiter, address: RateLimiter, known_network: RateLimiter) -> Self {
        let successes =
            Cache::builder().max_capacity(MAX_KNOWN_NETWORKS).time_to_idle(KNOWN_FOR).build();
        Self { client, address, known_network, successes }
    }

    /// Acquires the permits of one attempt. Known and unknown clients take the same permits, so
    /// that the next attempt does not reveal which it was.
    ///
    /// # Errors
    /// Returns the number of seconds until the client can retry.
    pub async fn acquire(
        &self,
        client_id: &str,
        address: IpAddr,
        uptime: Duration,
    ) -> Result<Vec<Permit>, u64> {
        let last_success = self.successes.get(&key(client_id, address));
        let known = last_success.is_some_and(|seconds| {
            uptime.as_secs().saturating_sub(seconds.load(Ordering::Relaxed)) < KNOWN_FOR.as_secs()
        });
        if known {
            return Ok(vec![self.known_network.acquire(client_id, address, uptime).await?]);
        }
        let address_permit = self.address.acquire("", address, uptime).await?;
        Ok(vec![address_permit, self.client.acquire(client_id, address, uptime).await?])
    }

    /// Forgets all attempts.
    pub fn clear(&self) {
        for limit in [&self.client, &self.address, &self.known_network] {
            limit.clear();
        }
        self.successes.invalidate_all();
    }

    /// Records that the client authenticated from this network.
    pub fn record_success(&self, client_id: &str, address: IpAddr, uptime: Duration) {
        let last_success = self.successes.get_with(key(client_id, address), Arc::default);
        last_success.store(uptime.as_secs(), Ordering::Relaxed);
    }
}

fn key(client_id: &str, address: IpAddr) -> BucketKey {
    BucketKey::new("known_network", client_id, address)
}
