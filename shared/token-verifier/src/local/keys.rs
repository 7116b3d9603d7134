use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{jwk::Key, key_set::KeySet};
use crate::{
    VerifyError,
    failure_backoff::{FailureBackoff, is_recent},
    issuer_client::IssuerClient,
};

/// The issuer's keys: fetched once when many need them, again for an unknown one but not more often
/// than once in a cool-down, and kept while the issuer is away.
#[derive(Debug)]
pub(super) struct Keys {
    issuer_client: Arc<IssuerClient>,
    cooldown: i64,
    max_age: i64,
    current: ArcSwapOption<KeySet>,
    /// Held by whoever fetches.
    fetching: Mutex<Fetches>,
    /// When somebody last began to replace keys that had grown old.
    renewed_at: AtomicI64,
}

/// How the last fetches went. Times are milliseconds since 1970.
#[derive(Debug, Default)]
struct Fetches {
    first: FailureBackoff,
    for_unknown_key: Option<(i64, Result<(), VerifyError>)>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// While the issuer is away, old keys are tried to be renewed so often, in milliseconds.
const RENEWAL_PAUSE: i64 = 10_000;

impl Keys {
    pub(super) fn new(
        issuer_client: Arc<IssuerClient>,
        cooldown: Duration,
        max_age: Duration,
    ) -> Self {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self {
            issuer_client,
            cooldown: millis(cooldown),
            max_age: millis(max_age),
            current: ArcSwapOption::empty(),
            fetching: Mutex::default(),
            renewed_at: AtomicI64::new(0),
        }
    }

    pub(super) fn are_known(&self) -> bool {
        self.current.load().is_some()
    }

    /// Which keys count now. Asked at every token, remembered ones too, so it is here that keys are
    /// found to be old.
    pub(super) fn generation(self: &Arc<Self>, now: i64) -> u64 {
        let current = self.current.load();
        let Some(set) = current.as_ref() else { return 0 };
        self.renew_if_old(set, now);
        set.generation
    }

    /// The key of that name, with the generation that it belongs to.
    pub(super) async fn find(
        self: &Arc<Self>,
        kid: Option<&str>,
    ) -> Result<Option<(Arc<Key>, u64)>, VerifyError> {
        let set = match self.current.load_full() {
            Some(set) => set,
            None => self.first().await?,
        };
        if let Some(key) = set.key(kid) {
            return Ok(Some((key, set.generation)));
        }
        let newer = self.after_unknown(set).await?;
        Ok(newer.key(kid).map(|key| (key, newer.generation)))
    }

    /// The first keys. Many may wait for them; one fetches.
    pub(super) async fn first(&self) -> Result<Arc<KeySet>, VerifyError> {
        let mut fetches = self.fetching.lock().await;
        if let Some(set) = self.current.load_full() {
            return Ok(set);
        }
        fetches.first.check(self.now())?;
        let fetched = self.fetch().await;
        fetches.first.record(self.now(), &fetched);
        fetched
    }

    /// The keys after an unknown name. The fetch is nobody's own: else whoever sends a made-up name
    /// and hangs up would break it off and leave the cool-down, and new keys would never be found.
    async fn after_unknown(
        self: &Arc<Self>,
        seen: Arc<KeySet>,
    ) -> Result<Arc<KeySet>, VerifyError> {
        let keys = Arc::clone(self);
        let fetch = tokio::spawn(async move { keys.fetch_for_unknown(seen).await });
        let broken_off = |_| {
            Err(VerifyError::unavailable("the fetch of the issuer's keys was broken off", None))
        };
        fetch.await.unwrap_or_else(broken_off)
    }

    /// Made-up names cost one fetch in a cool-down, however many arrive.
    async fn fetch_for_unknown(&self, seen: Arc<KeySet>) -> Result<Arc<KeySet>, VerifyError> {
        let mut fetches = self.fetching.lock().await;
        let current = self.current.load_full().unwrap_or(seen.clone());
        if current.generation != seen.generation {
            return Ok(current);
        }
        if let Some((at, outcome)) = &fetches.for_unknown_key
            && is_recent(*at, self.now(), self.cooldown)
        {
            return outcome.clone().map(|()| current);
        }
        let fetched = self.fetch().await;
        fetches.for_unknown_key =
            Some((self.now(), fetched.as_ref().map(|_| ()).map_err(Clone::clone)));
        fetched
    }

    /// Old keys are replaced behind the requests' backs, so that a withdrawn one goes: the requests
    /// go on with what is known.
    fn renew_if_old(self: &Arc<Self>, set: &KeySet, now: i64) {
        let last = self.renewed_at.load(Ordering::Relaxed);
        let due =
            !is_recent(set.fetched_at, now, self.max_age) && !is_recent(last, now, RENEWAL_PAUSE);
        // One of those who see it at the same moment does it.
        if !due
            || self
                .renewed_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let keys = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = keys.fetching.lock().await;
            // A failure was told by `fetch`; the old keys stay.
            let _ = keys.fetch().await;
        });
    }

    /// Only a set that can be used replaces the one before.
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
                tracing::warn!(%error, known = self.are_known(), "the issuer's keys could not be had; known ones stay in use");
                Err(error)
            }
        }
    }

    async fn fetch_jwks(&self) -> Result<Vec<Value>, VerifyError> {
        let metadata = self.issuer_client.metadata().await?;
        let url = self.issuer_client.endpoint("jwks_uri", metadata.jwks_uri.as_deref())?;
        let jwks: Jwks = self.issuer_client.get(url, "the issuer's keys").await?;
        Ok(jwks.keys)
    }

    fn now(&self) -> i64 {
        self.issuer_client.clock.millis()
    }
}
