//! Fetches the keys that an issuer publishes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Mutex;

use super::{Jwks, KeySet, Keys};
use crate::{
    error::VerifyError,
    failure_backoff::{FailureBackoff, is_recent},
    issuer_client::IssuerClient,
};

/// How keys are fetched: by one caller while the others wait, again for an unknown key id at most
/// once per cooldown, and in the background when they are old. They are kept while the issuer is
/// down.
#[derive(Debug)]
pub(in crate::local) struct KeyFetcher {
    issuer_client: Arc<IssuerClient>,
    cooldown_millis: i64,
    max_age_millis: i64,
    /// Held by the task that fetches.
    fetches: Mutex<Fetches>,
    /// When the last refresh of old keys started, in milliseconds since 1970.
    refreshed_at: AtomicI64,
}

/// The outcomes of the last fetches. Times are in milliseconds since 1970.
#[derive(Debug, Default)]
struct Fetches {
    first: FailureBackoff,
    for_unknown_key: Option<(i64, Result<(), VerifyError>)>,
}

/// The minimum time between two attempts to refresh old keys, in milliseconds.
const REFRESH_INTERVAL_MILLIS: i64 = 10_000;

impl KeyFetcher {
    pub(in crate::local) fn new(
        issuer_client: Arc<IssuerClient>,
        cooldown: Duration,
        max_age: Duration,
    ) -> Self {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self {
            issuer_client,
            cooldown_millis: millis(cooldown),
            max_age_millis: millis(max_age),
            fetches: Mutex::default(),
            refreshed_at: AtomicI64::new(0),
        }
    }
}

impl Keys {
    /// Returns the keys, and fetches them if none are loaded. Concurrent callers share one fetch.
    pub(in crate::local) async fn first(&self) -> Result<Arc<KeySet>, VerifyError> {
        let mut fetches = self.fetcher.fetches.lock().await;
        if let Some(set) = self.current.load_full() {
            return Ok(set);
        }
        fetches.first.check(self.now())?;
        let fetched = self.fetch().await;
        fetches.first.record(self.now(), &fetched);
        fetched
    }

    /// Fetches the keys because of an unknown key id. The fetch runs in a task of its own:
    /// otherwise a caller with a made-up key id could cancel it by disconnecting, leave only the
    /// cooldown behind, and keep new keys from ever being found.
    pub(super) async fn refetch_for_unknown(
        self: &Arc<Self>,
        seen: Arc<KeySet>,
    ) -> Result<Arc<KeySet>, VerifyError> {
        let keys = Arc::clone(self);
        let fetch = tokio::spawn(async move { keys.fetch_for_unknown(seen).await });
        let aborted =
            |_| Err(VerifyError::unavailable("the fetch of the issuer's keys was aborted", None));
        fetch.await.unwrap_or_else(aborted)
    }

    /// Made-up key ids cause one fetch per cooldown, however many arrive.
    async fn fetch_for_unknown(&self, seen: Arc<KeySet>) -> Result<Arc<KeySet>, VerifyError> {
        let mut fetches = self.fetcher.fetches.lock().await;
        let current = self.current.load_full().unwrap_or(seen.clone());
        if current.generation != seen.generation {
            return Ok(current);
        }
        if let Some((at, outcome)) = &fetches.for_unknown_key
            && is_recent(*at, self.now(), self.fetcher.cooldown_millis)
        {
            return outcome.clone().map(|()| current);
        }
        let fetched = self.fetch().await;
        fetches.for_unknown_key =
            Some((self.now(), fetched.as_ref().map(|_| ()).map_err(Clone::clone)));
        fetched
    }

    /// Refreshes old keys in the background, so that withdrawn keys disappear. Requests use the
    /// current keys meanwhile.
    pub(super) fn refresh_if_old(self: &Arc<Self>, set: &KeySet, now: i64) {
        let last = self.fetcher.refreshed_at.load(Ordering::Relaxed);
        let due = !is_recent(set.fetched_at, now, self.fetcher.max_age_millis)
            && !is_recent(last, now, REFRESH_INTERVAL_MILLIS);
        // Of concurrent callers, one starts the refresh.
        if !due
            || self
                .fetcher
                .refreshed_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let keys = Arc::clone(self);
        tokio::spawn(async move {
            let _permit = keys.fetcher.fetches.lock().await;
            // `fetch` logs a failure. The old keys stay.
            let _ = keys.fetch().await;
        });
    }

    /// Fetches the keys. Only a usable set replaces the current one.
    async fn fetch(&self) -> Result<Arc<KeySet>, VerifyError> {
        let fetched = self
            .fetch_jwks()
            .await
            .and_then(|keys| KeySet::new(keys, self.current.load_full(), self.now()));
        match fetched {
            Ok(set) => {
                let set = Arc::new(set);
                self.current.store(Some(Arc::clone(&set)));
                Ok(set)
            }
            Err(error) => {
                tracing::warn!(%error, keys_loaded = self.are_loaded(), "failed to fetch issuer keys; loaded keys stay in use");
                Err(error)
            }
        }
    }

    async fn fetch_jwks(&self) -> Result<Vec<Value>, VerifyError> {
        let metadata = self.fetcher.issuer_client.metadata().await?;
        let url = self.fetcher.issuer_client.endpoint("jwks_uri", metadata.jwks_uri.as_deref())?;
        let jwks: Jwks = self.fetcher.issuer_client.get(url, "the issuer's keys").await?;
        Ok(jwks.keys)
    }
}
