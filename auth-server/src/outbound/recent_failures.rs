use std::{sync::OnceLock, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use super::{OutboundError, UrlTrust};

/// Time after a failure in which a URL is not called again.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Maximum number of remembered failures. An entry has less than 500 bytes: the hash of the URL,
/// and an error of bounded length.
const MAX_FAILURES: u64 = 10_000;

/// Failed calls (negative cache). A server that does not respond holds each request up to the
/// timeout, and anyone can repeat the request that caused the call.
///
/// Trusted and untrusted calls of a URL are remembered apart. Otherwise a client that registers
/// itself with an internal URL could block the calls for another client, and learn how the URL
/// responded to them.
///
/// The first failure creates the cache: an empty one takes tens of kilobytes.
pub(super) struct RecentFailures(OnceLock<Cache<Key, Failure>>);

type Key = ([u8; 32], bool);

#[derive(Clone)]
struct Failure {
    /// Uptime of the clock.
    at: Duration,
    error: OutboundError,
}

impl RecentFailures {
    pub(super) fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(super) fn clear(&self) {
        if let Some(failures) = self.0.get() {
            failures.invalidate_all();
        }
    }

    /// Returns the error of the last call, if it failed a moment ago.
    pub(super) fn of(&self, url: &str, trust: UrlTrust, now: Duration) -> Option<OutboundError> {
        let Failure { at, error } = self.0.get()?.get(&key(url, trust))?;
        (now.saturating_sub(at) < RETRY_AFTER).then_some(error)
    }

    /// Remembers the outcome of a call. Only a connection that the rate limit prevented is no
    /// failure of the server.
    pub(super) fn record<T>(
        &self,
        url: &str,
        trust: UrlTrust,
        now: Duration,
        result: &Result<T, OutboundError>,
    ) {
        let key = key(url, trust);
        match result {
            Ok(_) => {
                if let Some(failures) = self.0.get() {
                    failures.invalidate(&key);
                }
            }
            Err(OutboundError::RateLimited(_)) => {}
            Err(error) => {
                let failures = self.0.get_or_init(|| Cache::new(MAX_FAILURES));
                failures.insert(key, Failure { at: now, error: error.clone() });
            }
        }
    }
}

fn key(url: &str, trust: UrlTrust) -> Key {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, url.as_bytes()).as_ref());
    (hash, trust == UrlTrust::Trusted)
}
