use std::{sync::Arc, time::Duration};

use clock::Clock;
use http::StatusCode;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    keys::KeySet,
    metadata::{Metadata, MetadataDocument},
};
use crate::providers::{ProviderError, ProviderRequest, transport::Transport};

/// Age at which metadata and keys are fetched again. An authorization endpoint that moved is found
/// only by that: the browser sees the error, not A.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Interval between fetches for unknown keys and endpoints that moved. Tokens with made-up `kid`
/// values cause no more requests than that.
const REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// Time for which a failure is returned without another request. Otherwise every waiting login
/// would wait for the timeout in turn.
const FAILURE_BACKOFF: Duration = Duration::from_secs(2);

/// Metadata and keys of a provider: fetched once for concurrent logins, and kept while the provider
/// is unavailable.
pub(super) struct Discovery {
    transport: Arc<Transport>,
    issuer: String,
    metadata_url: String,
    clock: Clock,
    /// Locked during a fetch.
    cache: Mutex<Cache>,
}

/// Times are the uptime of the clock: a clock that is set back must not stop fetches.
#[derive(Default)]
struct Cache {
    metadata: Option<(Duration, Arc<Metadata>)>,
    failure: Option<(Duration, ProviderError)>,
    refreshed_at: Option<Duration>,
}

impl Discovery {
    pub(super) fn new(
        transport: Arc<Transport>,
        issuer: &str,
        metadata_url: String,
        clock: Clock,
    ) -> Self {
        Self { transport, issuer: issuer.to_owned(), metadata_url, clock, cache: Mutex::default() }
    }

    /// Returns the metadata, at most ten minutes old unless the provider is unavailable.
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

    /// Returns newer metadata and keys than `old`, in which a key or an endpoint was not found.
    /// Both are fetched, because `jwks_uri` may have changed too.
    pub(super) async fn refresh(
        &self,
        old: &Arc<Metadata>,
    ) -> Result<Arc<Metadata>, ProviderError> {
        let (mut cache, now) = (self.cache.lock().await, self.clock.uptime());
        let current = cache
            .metadata
            .as_ref()
            .map_or_else(|| Arc::clone(old), |(_, metadata)| Arc::clone(metadata));
        let refreshed_recently =
            cache.refreshed_at.is_some_and(|at| now.saturating_sub(at) < REFRESH_INTERVAL);
        if refreshed_recently || !Arc::ptr_eq(&current, old) {
            return Ok(current);
        }
        cache.refreshed_at = Some(now);
        self.fetch(&mut cache, now).await
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
        match self.request().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                (cache.metadata, cache.failure) = (Some((now, Arc::clone(&metadata))), None);
                Ok(metadata)
            }
            Err(error) => {
                let issuer = &self.issuer;
                tracing::warn!(issuer, %error, "failed to fetch provider metadata");
                // The time after the request. The logins that wait for the lock meanwhile would
                // otherwise find the backoff over, and each would wait for the timeout in turn.
                cache.failure = Some((self.clock.uptime(), error.clone()));
                Err(error)
            }
        }
    }

    async fn request(&self) -> Result<Metadata, ProviderError> {
        let metadata = |reason| ProviderError::InvalidResponse(ProviderRequest::Metadata, reason);
        let document = self.get(&self.metadata_url, ProviderRequest::Metadata).await?;
        let document = MetadataDocument::of_issuer(document, &self.issuer).map_err(metadata)?;
        let jwks_uri = document.jwks_uri().map_err(metadata)?;
        let keys = self.get(jwks_uri, ProviderRequest::Keys).await?;
        let keys = KeySet::read(&keys).ok_or_else(|| {
            ProviderError::InvalidResponse(ProviderRequest::Keys, "not a JWK Set".to_owned())
        })?;
        document.with_keys(keys).map_err(metadata)
    }

    async fn get(&self, url: &str, kind: ProviderRequest) -> Result<Value, ProviderError> {
        let response = self.transport.get(url, None, kind).await?;
        if response.status != StatusCode::OK {
            return Err(ProviderError::status(kind, response.status));
        }
        response.json().map_err(|_| ProviderError::InvalidResponse(kind, "not JSON".to_owned()))
    }
}
