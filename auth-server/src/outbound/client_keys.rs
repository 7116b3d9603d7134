use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use tokio::sync::Mutex;

use super::{OutboundClient, UrlTrust};
use crate::domain::parse_jwks;

/// Time after which fetched keys are fetched again, in seconds.
const FRESH_SECONDS: i64 = 600;
/// Minimum interval between fetches for an unknown `kid`, in seconds. Anyone can make up key ids.
const MIN_REFETCH_SECONDS: i64 = 10;
/// Maximum number of cached key sets.
const MAX_KEY_SETS: u64 = 1_000;

/// The key sets that clients publish at their `jwks_uri`.
pub struct ClientKeys(Cache<(String, bool), Arc<Mutex<Fetched>>>);

#[derive(Default)]
struct Fetched {
    /// Time of the last fetch.
    at: Option<i64>,
    keys: Option<Arc<JwkSet>>,
}

impl ClientKeys {
    pub fn new() -> Self {
        Self(Cache::new(MAX_KEY_SETS))
    }

    /// Returns the keys at this URL. Fetches them if they are stale or do not contain `kid`. While
    /// the server of the client is unavailable, the previous keys stay valid.
    pub async fn at(
        &self,
        outbound: &OutboundClient,
        url: &str,
        trust: UrlTrust,
        kid: Option<&str>,
        now: i64,
    ) -> Option<Arc<JwkSet>> {
        let entry = self.0.get_with((url.to_owned(), trust == UrlTrust::Trusted), Arc::default);
        // Concurrent callers wait for this one request.
        let mut fetched = entry.lock().await;
        let age = fetched.at.map(|at| now - at);
        let has_key = fetched
            .keys
            .as_ref()
            .is_some_and(|keys| kid.is_none_or(|kid| keys.find(kid).is_some()));
        let max_age = if has_key { FRESH_SECONDS } else { MIN_REFETCH_SECONDS };
        if age.is_none_or(|age| age >= max_age) {
            fetched.at = Some(now);
            match fetch(outbound, url, trust).await {
                Ok(keys) => fetched.keys = Some(Arc::new(keys)),
                Err(reason) => {
                    tracing::warn!(reason, "failed to fetch client keys (jwks_uri)");
                }
            }
        }
        fetched.keys.clone()
    }
}

async fn fetch(outbound: &OutboundClient, url: &str, trust: UrlTrust) -> Result<JwkSet, String> {
    let document = outbound.json(url, trust).await?;
    parse_jwks(&document).map_err(|problem| format!("the response {problem}"))
}
