use std::{sync::Arc, time::Duration};

use anyhow::Context;
use clock::Clock;
use openidconnect::{IssuerUrl, JsonWebKeySet};
use tokio::sync::Mutex;

use super::library::{Metadata, discovery_error};
use crate::providers::{ProviderError, transport::Transport};

/// Age at which metadata and keys are fetched again.
const MAX_AGE: Duration = Duration::from_secs(3_600);
/// Interval between fetches for unknown keys. Tokens with made-up `kid` values cause no more
/// requests than that.
const KEY_FETCH_INTERVAL: Duration = Duration::from_secs(30);
/// Time for which a failure is returned without another request. Otherwise every waiting login
/// would wait for the timeout in turn.
const FAILURE_BACKOFF: Duration = Duration::from_secs(2);

/// Metadata and keys of a provider: fetched once for concurrent logins, and kept while the provider
/// is unavailable.
pub(super) struct Discovery {
    transport: Arc<Transport>,
    issuer: IssuerUrl,
    clock: Clock,
    /// Locked during a fetch.
    cache: Mutex<Cache>,
}

/// Times are the uptime of the clock: a clock that is set back must not stop fetches.
#[derive(Default)]
struct Cache {
    metadata: Option<(Duration, Arc<Metadata>)>,
    failure: Option<(Duration, ProviderError)>,
    keys_fetched_at: Option<Duration>,
}

impl Discovery {
    pub(super) fn new(
        transport: Arc<Transport>,
        issuer: &str,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(issuer.to_owned()).context("the setting `issuer`")?;
        Ok(Self { transport, issuer, clock, cache: Mutex::default() })
    }

    /// Returns the metadata, at most an hour old unless the provider is unavailable.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        let (mut cache, now) = (self.cache.lock().await, self.clock.uptime());
        if let Some((at, metadata)) = &cache.metadata
            && now.saturating_sub(*at) < MAX_AGE
        {
            return Ok(Arc::clone(metadata));
        }
        match self.fetch(&mut cache, now).await {
            Ok(fresh) => Ok(fresh),
            // Stale metadata keeps logins working.
            Err(error) => cache.metadata.as_ref().map(|(_, old)| Arc::clone(old)).ok_or(error),
        }
    }

    /// Returns metadata with current keys, for a token whose key is not in `old`.
    pub(super) async fn refresh_keys(
        &self,
        old: &Arc<Metadata>,
    ) -> Result<Arc<Metadata>, ProviderError> {
        let (mut cache, now) = (self.cache.lock().await, self.clock.uptime());
        let current = cache
            .metadata
            .as_ref()
            .map_or_else(|| Arc::clone(old), |(_, metadata)| Arc::clone(metadata));
        let fetched_recently =
            cache.keys_fetched_at.is_some_and(|at| now.saturating_sub(at) < KEY_FETCH_INTERVAL);
        if fetched_recently || !Arc::ptr_eq(&current, old) {
            return Ok(current);
        }
        cache.keys_fetched_at = Some(now);
        let keys = JsonWebKeySet::fetch_async(current.jwks_uri(), &*self.transport).await;
        let keys = keys.map_err(|error| discovery_error(&error))?;
        let refreshed = Arc::new(Metadata::clone(&current).set_jwks(keys));
        let fetched_at = cache.metadata.as_ref().map_or(now, |(at, _)| *at);
        cache.metadata = Some((fetched_at, Arc::clone(&refreshed)));
        Ok(refreshed)
    }

    async fn fetch(
        &self,
        cache: &mut Cache,
        now: Duration,
    ) -> Result<Arc<Metadata>, ProviderError> {
        if let Some((at, error)) = &cache.failure
            && now.saturating_sub(*at) < FAILURE_BACKOFF
        {
            return Err(error.clone());
        }
        match Metadata::discover_async(self.issuer.clone(), &*self.transport).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                (cache.metadata, cache.failure) = (Some((now, Arc::clone(&metadata))), None);
                Ok(metadata)
            }
            Err(error) => {
                let error = discovery_error(&error);
                tracing::warn!(
                    issuer = self.issuer.as_str(),
                    %error,
                    "failed to fetch provider metadata"
                );
                cache.failure = Some((now, error.clone()));
                Err(error)
            }
        }
    }
}
