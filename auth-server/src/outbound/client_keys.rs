use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use tokio::sync::Mutex;

use super::{OutboundClient, UrlTrust};
use crate::domain::parse_jwks;

/// Time after which fetched keys are fetched again.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Minimum interval between fetches for an unknown `kid`. Anyone can make up key ids.
const MIN_REFETCH_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum size of all cached key sets, as JSON.
const MAX_CACHED_BYTES: u64 = 8 * 1024 * 1024;
/// Size of a cache entry besides its URL and keys.
const ENTRY_BYTES: usize = 256;

/// The key sets that clients publish at their `jwks_uri`.
pub struct ClientKeys(Cache<(String, bool), Arc<Entry>>);

#[derive(Default)]
struct Entry {
    /// Size of the key set as JSON.
    bytes: AtomicU32,
    fetched: Mutex<Fetched>,
}

#[derive(Default)]
struct Fetched {
    /// Uptime at the last fetch.
    at: Option<Duration>,
    keys: Option<Arc<JwkSet>>,
}

impl ClientKeys {
    pub fn new() -> Self {
        let weight = |(url, _): &(String, bool), entry: &Arc<Entry>| {
            let fixed = u32::try_from(ENTRY_BYTES + url.len()).unwrap_or(u32::MAX);
            fixed.saturating_add(entry.bytes.load(Ordering::Relaxed))
        };
        Self(Cache::builder().weigher(weight).max_capacity(MAX_CACHED_BYTES).build())
    }

    /// Forgets all keys.
    pub fn clear(&self) {
        self.0.invalidate_all();
    }

    /// Returns the keys at this URL. Fetches them if they are stale or do not contain `kid`. While
    /// the server of the client is unavailable, the previous keys stay valid.
    pub async fn at(
        &self,
        outbound: &OutboundClient,
        url: &str,
        trust: UrlTrust,
        kid: Option<&str>,
    ) -> Option<Arc<JwkSet>> {
        let cache_key = (url.to_owned(), trust == UrlTrust::Trusted);
        let entry = self.0.get_with_by_ref(&cache_key, Arc::default);
        // Concurrent callers wait for this one request.
        let mut fetched = entry.fetched.lock().await;
        let now = outbound.clock.uptime();
        let age = fetched.at.map(|at| now.saturating_sub(at));
        let has_key = fetched
            .keys
            .as_ref()
            .is_some_and(|keys| kid.is_none_or(|kid| keys.find(kid).is_some()));
        let max_age = if has_key { MAX_AGE } else { MIN_REFETCH_INTERVAL };
        if age.is_none_or(|age| age >= max_age) {
            fetched.at = Some(now);
            match fetch(outbound, url, trust).await {
                Ok((keys, bytes)) => {
                    fetched.keys = Some(Arc::new(keys));
                    entry.bytes.store(bytes, Ordering::Relaxed);
                    // The cache weighs an entry when it is inserted.
                    self.0.insert(cache_key, Arc::clone(&entry));
                }
                Err(reason) => {
                    tracing::warn!(reason, "failed to fetch client keys (jwks_uri)");
                }
            }
        }
        fetched.keys.clone()
    }
}

/// Returns the keys and their size as JSON.
async fn fetch(
    outbound: &OutboundClient,
    url: &str,
    trust: UrlTrust,
) -> Result<(JwkSet, u32), String> {
    let document = outbound.json(url, trust).await.map_err(|error| error.log_reason())?;
    let keys = parse_jwks(&document).map_err(|problem| format!("the response {problem}"))?;
    Ok((keys, u32::try_from(document.to_string().len()).unwrap_or(u32::MAX)))
}
