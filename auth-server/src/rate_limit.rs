use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;

/// Counts failed authentications by client and address: a bucket that each failure fills and time
/// empties.
///
/// By client *and* address: whoever guesses from elsewhere fills a bucket of his own, and the
/// client goes on.
pub struct RateLimiter {
    buckets: Cache<(String, IpAddr), Arc<Mutex<Bucket>>>,
    burst: u32,
    recover_millis: i64,
}

#[derive(Default)]
struct Bucket {
    /// When the bucket will be empty again, in milliseconds since 1970.
    empty_at: i64,
}

/// A place that an attempt has taken. It is given back when this is dropped, because the attempt
/// was right or was never made; only a wrong one keeps it.
#[must_use = "a place that is dropped is given back"]
pub struct Permit {
    bucket: Arc<Mutex<Bucket>>,
    millis: i64,
}

impl Permit {
    /// The attempt was wrong: time alone gives the place back.
    pub fn consume(mut self) {
        self.millis = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).empty_at -= self.millis;
    }
}

/// Buckets beyond that many push the oldest out: memory stays bounded against made-up clients.
const BUCKETS: u64 = 50_000;

impl RateLimiter {
    pub fn new(burst: u32, refill_seconds: u32) -> Self {
        let recover_millis = i64::from(refill_seconds).max(1) * 1_000;
        let full_life = u64::from(burst.max(1)) * u64::from(refill_seconds.max(1));
        let buckets = Cache::builder()
            .max_capacity(BUCKETS)
            .time_to_idle(Duration::from_secs(full_life.max(60)))
            .build();
        Self { buckets, burst: burst.max(1), recover_millis }
    }

    /// Take a place for an attempt, before it is known how it ends: a hundred at once must not all
    /// pass.
    ///
    /// # Errors
    /// After how many seconds there is a place again.
    pub fn acquire(
        &self,
        client_id: &str,
        address: IpAddr,
        now_millis: i64,
    ) -> Result<Permit, u64> {
        let shared = self.bucket(client_id, address);
        let mut bucket = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let filled_to = bucket.empty_at.max(now_millis) + self.recover_millis;
        let over = filled_to - now_millis - i64::from(self.burst) * self.recover_millis;
        if over > 0 {
            return Err(u64::try_from(over).unwrap_or_default().div_ceil(1_000));
        }
        bucket.empty_at = filled_to;
        drop(bucket);
        Ok(Permit { bucket: shared, millis: self.recover_millis })
    }

    fn bucket(&self, client_id: &str, address: IpAddr) -> Arc<Mutex<Bucket>> {
        self.buckets.get_with((client_id.to_owned(), network(address)), Arc::default)
    }
}

/// An IPv6 caller owns 2^64 addresses: its network counts.
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
        /// An attempt that turns out to be wrong.
        fn fail(&self, client_id: &str, address: IpAddr, now_millis: i64) -> Result<(), u64> {
            self.acquire(client_id, address, now_millis).map(Permit::consume)
        }
    }

    #[test]
    fn a_burst_is_borne_and_then_one_by_one() {
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
    fn another_client_and_another_address_have_buckets_of_their_own() {
        let limit = RateLimiter::new(1, 10);
        limit.fail("a", HOME, 0).unwrap();
        assert!(limit.fail("a", HOME, 0).is_err());
        assert!(limit.fail("b", HOME, 0).is_ok());
        assert!(limit.fail("a", "10.0.0.1".parse().unwrap(), 0).is_ok());
    }

    #[test]
    fn a_right_attempt_takes_no_place() {
        let limit = RateLimiter::new(1, 10);
        for _ in 0..5 {
            drop(limit.acquire("a", HOME, 0).unwrap());
        }
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_share_a_bucket() {
        let limit = RateLimiter::new(1, 10);
        limit.fail("a", "2001:db8::1".parse().unwrap(), 0).unwrap();
        assert!(limit.fail("a", "2001:db8::ffff".parse().unwrap(), 0).is_err());
        assert!(limit.fail("a", "2001:db8:0:1::1".parse().unwrap(), 0).is_ok());
        limit.fail("a", "::ffff:10.0.0.1".parse().unwrap(), 0).unwrap();
        assert!(limit.fail("a", "10.0.0.1".parse().unwrap(), 0).is_err());
    }
}
