use std::{net::IpAddr, time::Duration};

use aws_lc_rs::digest;
use oauth_types::caller_network;

/// Capacity and refill time of token buckets.
#[derive(Clone, Copy, Debug)]
pub struct BucketLimit {
    /// Number of permits of a full bucket.
    pub burst: u32,
    /// Time until one more permit is available.
    pub refill: Duration,
}

impl BucketLimit {
    /// Returns the time that an empty bucket takes to fill. No caller waits longer.
    pub fn fill_time(&self) -> Duration {
        self.refill * self.burst
    }
}

/// Identifies a bucket. A digest has a fixed size, so a caller with long names cannot use more
/// memory than one with short names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketKey(pub [u8; 32]);

impl BucketKey {
    /// Returns the key of `subject`, such as a client id, as seen from the network of `address`,
    /// for the limit of this name.
    pub fn new(limit: &str, subject: &str, address: IpAddr) -> Self {
        Self::of_parts([limit, subject, &caller_network(address).to_string()])
    }

    /// Returns the key of `subject`, from wherever it is seen.
    pub fn anywhere(limit: &str, subject: &str) -> Self {
        Self::of_parts([limit, subject, ""])
    }

    fn of_parts(parts: [&str; 3]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self(key)
    }
}

/// A token bucket. Times are periods since any fixed moment of a clock that never goes back.
#[derive(Debug, Default)]
pub struct TokenBucket {
    /// When all permits are available again.
    full_at: Duration,
}

impl TokenBucket {
    /// Returns whether all permits are available.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// Returns the time until a permit is available.
    pub fn take(&mut self, limit: BucketLimit, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + limit.refill;
        let latest = now + limit.fill_time();
        if full_at > latest {
            return Err((full_at - latest).min(limit.fill_time()));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Puts a permit back.
    pub fn put_back(&mut self, limit: BucketLimit) {
        self.full_at = self.full_at.saturating_sub(limit.refill);
    }

    /// Empties the bucket, so that the next permit is available after `wait`.
    pub fn empty_until(&mut self, limit: BucketLimit, now: Duration, wait: Duration) {
        let full_at = now + limit.fill_time() + wait.min(limit.refill);
        self.full_at = full_at.saturating_sub(limit.refill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BucketLimit = BucketLimit { burst: 3, refill: Duration::from_secs(10) };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn permits_are_available_at_once_then_one_per_refill_time() {
        let mut bucket = TokenBucket::default();
        for _ in 0..3 {
            bucket.take(LIMIT, seconds(100)).unwrap();
        }
        assert_eq!(bucket.take(LIMIT, seconds(100)), Err(seconds(10)));
        assert_eq!(bucket.take(LIMIT, seconds(109)), Err(seconds(1)));
        assert_eq!(bucket.take(LIMIT, seconds(110)), Ok(()));
        assert_eq!(bucket.take(LIMIT, seconds(110)), Err(seconds(10)));
        assert!(!bucket.is_full(seconds(139)) && bucket.is_full(seconds(140)));
    }

    #[test]
    fn returned_permit_is_available_again() {
        let mut bucket = TokenBucket::default();
        for _ in 0..10 {
            bucket.take(LIMIT, seconds(5)).unwrap();
            bucket.put_back(LIMIT);
        }
        assert!(bucket.is_full(seconds(5)));
    }

    #[test]
    fn no_wait_is_longer_than_the_fill_time() {
        let mut bucket = TokenBucket { full_at: seconds(1_000_000) };
        assert_eq!(bucket.take(LIMIT, seconds(0)), Err(LIMIT.fill_time()));
    }

    #[test]
    fn empty_bucket_has_a_permit_after_the_wait() {
        let mut bucket = TokenBucket::default();
        bucket.empty_until(LIMIT, seconds(100), seconds(4));
        assert_eq!(bucket.take(LIMIT, seconds(100)), Err(seconds(4)));
        assert_eq!(bucket.take(LIMIT, seconds(104)), Ok(()));
        assert!(bucket.take(LIMIT, seconds(104)).is_err());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_share_a_key() {
        let key = |address: &str| BucketKey::new("sign_in", "a", address.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }

    #[test]
    fn keys_differ_by_limit_and_subject() {
        let address = IpAddr::from([10, 0, 0, 1]);
        let keys = [("a", "bc"), ("ab", "c"), ("a", "b")];
        let distinct: std::collections::HashSet<_> =
            keys.iter().map(|(limit, subject)| BucketKey::new(limit, subject, address)).collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(!distinct.contains(&BucketKey::anywhere("a", "b")));
    }
}
