use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use tokio::sync::Mutex;

use super::{OutboundClient, UrlTrust};
use crate::domain::parse_jwks;

/// Time after which fetched keys are fetched again, in seconds.
const FRESH_SECONDS: i64 = 600;
/// Minimum interval between fetches for an unknown `kid`, in seconds. Anyone can make up key ids.
const COOL_DOWN_SECONDS: i64 = 10;
/// Maximum number of cached key sets.
const SETS: u64 = 1_000;

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
        Self(Cache::new(SETS))
    }

    /// Returns the keys at this URL. Fetches them if they are stale or do not contain `kid`. While
    /// the server of the client is unavailable, the previous keys stay valid.
    pub async fn at(
        &self,
        outgoing: &OutboundClient,
        url: &str,
        named: UrlTrust,
        kid: Option<&str>,
        now: i64,
    ) -> Option<Arc<JwkSet>> {
        let place = self.0.get_with((url.to_owned(), named == UrlTrust::Trusted), Arc::default);
        // Concurrent callers wait for this one request.
        let mut fetched = place.lock().await;
        let age = fetched.at.map(|at| now - at);
        let holds = fetched
            .keys
            .as_ref()
            .is_some_and(|keys| kid.is_none_or(|kid| keys.find(kid).is_some()));
        let good_until = if holds { FRESH_SECONDS } else { COOL_DOWN_SECONDS };
        if age.is_none_or(|age| age >= good_until) {
            fetched.at = Some(now);
            match fetch(outgoing, url, named).await {
                Ok(keys) => fetched.keys = Some(Arc::new(keys)),
                Err(reason) => {
                    tracing::warn!(reason, "the keys of a client (jwks_uri) cannot be fetched")
                }
            }
        }
        fetched.keys.clone()
    }
}

async fn fetch(outgoing: &OutboundClient, url: &str, named: UrlTrust) -> Result<JwkSet, String> {
    let document = outgoing.json(url, named).await?;
    parse_jwks(&document).map_err(|problem| format!("what is there {problem}"))
}
