#[cfg(feature = "discovery")]
mod fetch;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use clock::Clock;
use serde::Deserialize;
use serde_json::Value;

#[cfg(feature = "discovery")]
pub(super) use self::fetch::KeyFetcher;
use super::{jwk::Key, key_set::KeySet};
use crate::{algorithm::Algorithm, error::VerifyError};

/// The issuer's keys.
#[derive(Debug)]
pub(super) struct Keys {
    clock: Clock,
    current: ArcSwapOption<KeySet>,
    #[cfg(feature = "discovery")]
    fetcher: KeyFetcher,
}

/// A JWK set (RFC 7517 §5).
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn new(clock: Clock, #[cfg(feature = "discovery")] fetcher: KeyFetcher) -> Self {
        Self {
            clock,
            current: ArcSwapOption::empty(),
            #[cfg(feature = "discovery")]
            fetcher,
        }
    }

    pub(super) fn are_loaded(&self) -> bool {
        self.current.load().is_some()
    }

    /// Replaces the keys with those of a JWK set.
    pub(super) fn set(&self, jwks: &str) -> Result<(), VerifyError> {
        let jwks: Jwks = serde_json::from_str(jwks)
            .map_err(|_| VerifyError::unavailable("it is not a JWK set", None))?;
        let set = KeySet::new(jwks.keys, self.current.load_full(), self.now())?;
        self.current.store(Some(Arc::new(set)));
        Ok(())
    }

    /// Returns the generation of the current keys. It is called for every token, cached ones too,
    /// so it also starts the refresh of old keys.
    pub(super) fn generation(self: &Arc<Self>, now: i64) -> u64 {
        let current = self.current.load();
        let Some(set) = current.as_ref() else { return 0 };
        #[cfg(feature = "discovery")]
        self.refresh_if_old(set, now);
        #[cfg(not(feature = "discovery"))]
        let _ = now;
        set.generation
    }

    /// Returns the key for a token with this key id and algorithm, and its generation.
    pub(super) async fn find(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<(Arc<Key>, u64)>, VerifyError> {
        let set = match self.current.load_full() {
            Some(set) => set,
            None => self.first().await?,
        };
        if let Some(key) = set.key(kid, algorithm) {
            return Ok(Some((key, set.generation)));
        }
        #[cfg(feature = "discovery")]
        let set = self.refetch_for_unknown(set).await?;
        Ok(set.key(kid, algorithm).map(|key| (key, set.generation)))
    }

    /// Without the feature `discovery`, the caller of the crate provides the keys.
    #[cfg(not(feature = "discovery"))]
    #[expect(clippy::unused_async, reason = "with the feature it waits for a request")]
    pub(super) async fn first(&self) -> Result<Arc<KeySet>, VerifyError> {
        Err(VerifyError::unavailable("no keys; call Verifier::set_keys", None))
    }

    fn now(&self) -> i64 {
        self.clock.millis()
    }
}
