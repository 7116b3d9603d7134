use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use super::OutboundError;

/// Time after a failure in which a URL is not called again, in seconds.
const RETRY_SECONDS: i64 = 10;
/// Maximum number of remembered failures. An entry has less than 500 bytes: the hash of the URL,
/// and an error of bounded length.
const MAX_FAILURES: u64 = 10_000;

/// Failed calls (negative cache). A server that does not respond holds each request up to the
/// timeout, and anyone can repeat the request that caused the call.
pub(super) struct RecentFailures(Cache<[u8; 32], Failure>);

#[derive(Clone)]
struct Failure {
    /// Unix time in seconds.
    at: i64,
    error: OutboundError,
}

impl RecentFailures {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_FAILURES))
    }

    /// Returns the error of the last call, if it failed a moment ago.
    pub(super) fn of(&self, url: &str, now: i64) -> Option<OutboundError> {
        let Failure { at, error } = self.0.get(&key(url))?;
        (at..at + RETRY_SECONDS).contains(&now).then_some(error)
    }

    /// Remembers the outcome of a call. Only a connection that the rate limit prevented is no
    /// failure of the server.
    pub(super) fn record<T>(&self, url: &str, now: i64, result: &Result<T, OutboundError>) {
        match result {
            Ok(_) => self.0.invalidate(&key(url)),
            Err(OutboundError::RateLimited(_)) => {}
            Err(error) => self.0.insert(key(url), Failure { at: now, error: error.clone() }),
        }
    }
}

fn key(url: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, url.as_bytes()).as_ref());
    key
}
