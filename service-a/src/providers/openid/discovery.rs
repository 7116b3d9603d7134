use std::sync::Arc;

use anyhow::Context;
use clock::Clock;
use openidconnect::{IssuerUrl, JsonWebKeySet};
use tokio::sync::Mutex;

use super::library::{Metadata, discovery_failure};
use crate::providers::{ProviderFailure, transport::Wire};

/// So old, in seconds, metadata and keys are fetched again.
const MAX_AGE: i64 = 3_600;
/// Keys that are not known cost one request in so many seconds, however many tokens name them.
const COOL_DOWN: i64 = 30;
/// After a failure nobody asks again for so long, in seconds: many who wait would each wait for the
/// time limit.
const PAUSE: i64 = 2;

/// What a provider publishes about itself: fetched once for many, kept while the provider is away.
pub(super) struct Discovery {
    wire: Arc<Wire>,
    issuer: IssuerUrl,
    clock: Clock,
    /// Held by whoever fetches.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(i64, Arc<Metadata>)>,
    failed: Option<(i64, ProviderFailure)>,
    keys_asked_at: Option<i64>,
}

impl Discovery {
    pub(super) fn new(wire: Arc<Wire>, issuer: &str, clock: Clock) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(issuer.to_owned()).context("the setting `issuer`")?;
        Ok(Self { wire, issuer, clock, known: Mutex::default() })
    }

    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderFailure> {
        let (mut known, now) = (self.known.lock().await, self.clock.seconds());
        if let Some((at, metadata)) = &known.metadata
            && now - at < MAX_AGE
        {
            return Ok(Arc::clone(metadata));
        }
        match self.fetch(&mut known, now).await {
            Ok(fresh) => Ok(fresh),
            // Old keys are better than nobody being able to log in.
            Err(failure) => known.metadata.as_ref().map(|(_, old)| Arc::clone(old)).ok_or(failure),
        }
    }

    /// The metadata, if it was read and nobody is reading it at this moment.
    pub(super) fn known(&self) -> Option<Arc<Metadata>> {
        self.known.try_lock().ok()?.metadata.as_ref().map(|(_, metadata)| Arc::clone(metadata))
    }

    /// The metadata with the keys of now, for a token whose key is not in `seen`.
    pub(super) async fn newer_keys(
        &self,
        seen: &Arc<Metadata>,
    ) -> Result<Arc<Metadata>, ProviderFailure> {
        let (mut known, now) = (self.known.lock().await, self.clock.seconds());
        let current = known
            .metadata
            .as_ref()
            .map_or_else(|| Arc::clone(seen), |(_, metadata)| Arc::clone(metadata));
        let asked_lately = known.keys_asked_at.is_some_and(|at| now - at < COOL_DOWN);
        if asked_lately || !Arc::ptr_eq(&current, seen) {
            return Ok(current);
        }
        known.keys_asked_at = Some(now);
        let keys = JsonWebKeySet::fetch_async(current.jwks_uri(), &*self.wire).await;
        let keys = keys.map_err(|error| discovery_failure(&error))?;
        let newer = Arc::new(Metadata::clone(&current).set_jwks(keys));
        let fetched_at = known.metadata.as_ref().map_or(now, |(at, _)| *at);
        known.metadata = Some((fetched_at, Arc::clone(&newer)));
        Ok(newer)
    }

    async fn fetch(&self, known: &mut Known, now: i64) -> Result<Arc<Metadata>, ProviderFailure> {
        if let Some((at, failure)) = &known.failed
            && now - at < PAUSE
        {
            return Err(failure.clone());
        }
        match Metadata::discover_async(self.issuer.clone(), &*self.wire).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                (known.metadata, known.failed) = (Some((now, Arc::clone(&metadata))), None);
                Ok(metadata)
            }
            Err(error) => {
                let failure = discovery_failure(&error);
                tracing::warn!(issuer = self.issuer.as_str(), %failure, "a provider's metadata could not be had");
                known.failed = Some((now, failure.clone()));
                Err(failure)
            }
        }
    }
}
