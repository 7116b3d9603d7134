use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;

/// Limits failed attempts with one token bucket per client and network.
///
/// A bucket belongs to a client *and* a network, so an attacker elsewhere exhausts a separate
/// bucket and does not lock the client out.
pub struct RateLimiter {
    buckets: Cache<(String, IpAddr), Arc<Mutex<Bucket>>>,
    burst: u32,
    refill_millis: i64,
}

#[derive(Default)]
struct Bucket {
    /// When all permits are available again, in milliseconds since 1970.
    empty_at: i64,
}

/// A permit for one attempt. It is returned on drop, after a success or if no attempt was made.
/// Only a failure consumes it.
#[must_use = "a dropped permit is released"]
pub struct Permit {
    bucket: Arc<Mutex<Bucket>>,
    millis: i64,
}

impl Permit {
    /// Consumes the permit after a failure. Only time restores it.
    pub fn consume(mut self) {
        self.millis = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).empty_at -= self.millis;
    }
}

/// Maximum number of buckets. Bounds memory if an attacker makes up client ids.
const MAX_BUCKETS: u64 = 50_000;

impl RateLimiter {
    pub fn new(burst: u32, refill_seconds: u32) -> Self {
        let refill_millis = i64::from(refill_seconds).max(1) * 1_000;
        let full_refill_seconds = u64::from(burst.max(1)) * u64::from(refill_seconds.max(1));
        let buckets = Cache::builder()
            .max_capacity(MAX_BUCKETS)
            .time_to_idle(Duration::from_secs(full_refill_seconds.max(60)))
            .build();
        Self { buckets, burst: burst.max(1), refill_millis }
    }

    /// Acquires a permit before the outcome of an attempt is known, so that a burst of parallel
    /// guesses cannot exceed the limit.
    ///
    /// # Errors
    /// Returns the number of seconds until a permit is available.
    pub fn acquire(
        &self,
        client_id: &str,
        address: IpAddr,
        now_millis: i64,
    ) -> Result<Permit, u64> {
        let shared = self.bucket(client_id, address);
        let mut bucket = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let filled_to = bucket.empty_at.max(now_millis) + self.refill_millis;
        let over = filled_to - now_millis - i64::from(self.burst) * self.refill_millis;
        if over > 0 {
            return Err(u64::try_from(over).unwrap_or_default().div_ceil(1_000));
        }
        bucket.empty_at = filled_to;
        drop(bucket);
        Ok(Permit { bucket: shared, millis: self.refill_millis })
    }

    fn bucket(&self, client_id: &str, address: IpAddr) -> Arc<Mutex<Bucket>> {
        self.buckets.get_with((client_id.to_owned(), network(address)), Arc::default)
    }
}

/// Returns the network of an address. For IPv6 this is the /64 prefix, because one caller controls
/// all of its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    impl RateLimiter {
        /// Makes a failed attempt.
        fn fail(&self, client_id: &str, address: IpAddr, now_millis: i64) -> Result<(), u64> {
            self.acquire(client_id, address, now_millis).map(Permit::consume)
        }
    }

    #[test]
    fn burst_is_allowed_and_then_refills() {
        let limit = RateLimiter::new(3, 10);
        for _ in 0..3 {
            limit.fail("a", HOME, 0).unwrap();
        }
        assert_eq!(limit.fail("a", HOME, 0), Err(10));
        assert_eq!(limit.fail("a", HOME, 9_500), Err(1));
        assert_eq!(limit.fail("a", HOME, 10_000), Ok(()));
        assert_eq!(limit.fail("a", HOME, 10_000), Err(10));
    }

    #[test]
    fn each_client_and_address_has_its_own_bucket() {
        let limit = RateLimiter::new(1, 10);
        limit.fail("a", HOME, 0).unwrap();
        assert!(limit.fail("a", HOME, 0).is_err());
        assert!(limit.fail("b", HOME, 0).is_ok());
        assert!(limit.fail("a", "10.0.0.1".parse().unwrap(), 0).is_ok());
    }

    #[test]
    fn successful_attempt_consumes_no_permit() {
        let limit = RateLimiter::new(1, 10);
        for _ in 0..5 {
            drop(limit.acquire("a", HOME, 0).unwrap());
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_bucket() {
        let limit = RateLimiter::new(1, 10);
        limit.fail("a", "2001:db8::1".parse().unwrap(), 0).unwrap();
        assert!(limit.fail("a", "2001:db8::ffff".parse().unwrap(), 0).is_err());
        assert!(limit.fail("a", "2001:db8:0:1::1".parse().unwrap(), 0).is_ok());
        limit.fail("a", "::ffff:10.0.0.1".parse().unwrap(), 0).unwrap();
        assert!(limit.fail("a", "10.0.0.1".parse().unwrap(), 0).is_err());
    }
}
