use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use arc_swap::ArcSwap;
use clock::Clock;
use futures_util::future::join_all;
use service_kit::SecretSetting;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    ActiveSigningKey, KeyRing,
    publication::{activate_published_key, install_first_keys, publish_first_key},
    reload_report::ReloadReports,
};
use crate::{
    domain::{Algorithm, KeyState, SigningKey, is_rotation_due},
    storage::{ServerId, Store, StoreError},
};

/// How long a request waits for the first key of its algorithm. A server that has just ended can
/// delay it by five seconds.
const ACTIVATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Algorithm of access tokens, and rotation of their key.
#[derive(Clone)]
pub struct KeyPolicy {
    pub algorithm: Algorithm,
    /// 0 disables rotation.
    pub rotation_interval_days: u32,
    /// The secret shared with resource servers, for HS256 only.
    pub hs256_secret: Option<SecretSetting>,
}

/// Holds the current keys, which are replaced as a whole on rotation.
pub struct KeyManager {
    ring: ArcSwap<KeyRing>,
    settings: KeyPolicy,
    /// Time for which a retired key stays published, in seconds: the lifetime of the last token
    /// that it signed.
    overlap: i64,
    /// Time from which a retired key has been published for too long, in seconds since 1970.
    stale_from: AtomicI64,
    /// Serializes reloads, so that an older read never replaces a newer one and restores a
    /// withdrawn key.
    reload_lock: tokio::sync::Mutex<()>,
    /// Wakes the requests that wait for a key.
    reloaded: watch::Sender<()>,
    /// Algorithms that requests wait for.
    requested: Mutex<HashSet<Algorithm>>,
    request_arrived: Notify,
    reports: ReloadReports,
}

/// An algorithm has no signing key yet. The client can repeat the request soon.
#[derive(Debug, thiserror::Error)]
#[error("the first signing key for {} is not active yet", .0.as_str())]
pub struct NoSigningKey(Algorithm);

impl KeyManager {
    /// Loads the keys. [`create_first_keys`] has created those of access tokens.
    ///
    /// # Errors
    /// Returns an error if the database or a key cannot be used.
    pub async fn open(
        settings: KeyPolicy,
        overlap: i64,
        server: ServerId,
        store: &dyn Store,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let algorithm = settings.algorithm;
        // Before the keys are read: another server then waits until this one publishes a new key.
        let reports = ReloadReports::begin(store.running_servers(), server).await?;
        let keys = store.signing_keys().await.context("failed to load the signing keys")?;
        let now = clock.seconds();
        let ring = KeyRing::new(&keys, algorithm, active_hs256_secret(&settings), now - overlap)?;
        let stale_from = AtomicI64::new(stale_from(&keys, now, overlap));
        Ok(Self {
            ring: ArcSwap::from_pointee(ring),
            settings,
            overlap,
            stale_from,
            reload_lock: tokio::sync::Mutex::default(),
            reloaded: watch::Sender::default(),
            requested: Mutex::default(),
            request_arrived: Notify::default(),
            reports,
        })
    }

    /// Waits until an algorithm has a signing key. The background task creates the first key of an
    /// algorithm, so that a request that ends early does not interrupt it.
    ///
    /// # Errors
    /// Returns an error if there is no key after ten seconds.
    pub async fn await_signing_key(&self, algorithm: Algorithm) -> Result<(), NoSigningKey> {
        let mut reloaded = self.reloaded.subscribe();
        if self.can_sign(algorithm) {
            return Ok(());
        }
        self.requested().insert(algorithm);
        self.request_arrived.notify_one();
        let active =
            async { while !self.can_sign(algorithm) && reloaded.changed().await.is_ok() {} };
        // Either way, the ring decides.
        let _ = timeout(ACTIVATION_TIMEOUT, active).await;
        if self.can_sign(algorithm) { Ok(()) } else { Err(NoSigningKey(algorithm)) }
    }

    /// Waits for a request that needs another algorithm.
    pub async fn request_for_key(&self) {
        self.request_arrived.notified().await;
    }

    /// Creates the missing keys of these algorithms, and of those that requests wait for: publishes
    /// each key, and activates it once every server publishes it.
    ///
    /// # Errors
    /// Returns an error if the database or a key cannot be used.
    pub async fn activate_missing(
        &self,
        algorithms: &HashSet<Algorithm>,
        store: &dyn Store,
        clock: &Clock,
    ) -> anyhow::Result<()> {
        let requested = std::mem::take(&mut *self.requested());
        let missing = algorithms.union(&requested).filter(|algorithm| !self.can_sign(**algorithm));
        join_all(missing.map(|algorithm| self.activate(*algorithm, store, clock)))
            .await
            .into_iter()
            .collect()
    }

    async fn activate(
        &self,
        algorithm: Algorithm,
        store: &dyn Store,
        clock: &Clock,
    ) -> anyhow::Result<()> {
        if let Some(key) = publish_first_key(algorithm, store, clock).await? {
            self.reload(store, clock.seconds()).await?;
            activate_published_key(key, store, clock).await?;
        }
        self.reload(store, clock.seconds()).await
    }

    /// Creates new keys after the stored ones were deleted.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used.
    pub async fn replace_all(&self, store: &dyn Store, clock: &Clock) -> anyhow::Result<()> {
        create_first_keys(self.settings.algorithm, store, clock).await?;
        self.reload(store, clock.seconds()).await
    }

    fn can_sign(&self, algorithm: Algorithm) -> bool {
        self.ring().signing_key(algorithm).is_some()
    }

    fn requested(&self) -> MutexGuard<'_, HashSet<Algorithm>> {
        self.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Reloads the keys from the store.
    ///
    /// # Errors
    /// Returns an error if the database or a key cannot be used. The previous keys then stay in
    /// force.
    pub async fn reload(&self, store: &dyn Store, now: i64) -> anyhow::Result<()> {
        let _reloading = self.reload_lock.lock().await;
        let keys = store.signing_keys().await?;
        let ring = KeyRing::new(
            &keys,
            self.settings.algorithm,
            active_hs256_secret(&self.settings),
            now - self.overlap,
        )?;
        self.ring.store(Arc::new(ring));
        self.stale_from.store(stale_from(&keys, now, self.overlap), Ordering::Relaxed);
        self.reloaded.send_replace(());
        Ok(())
    }

    /// Reports to the other servers on the database that this one runs and has loaded this
    /// revision. `None` stands for a reload that failed.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used.
    pub async fn report_loaded(&self, revision: Option<i64>) -> Result<(), StoreError> {
        self.reports.report(revision).await
    }

    /// Returns whether a retired key has been published for longer than the lifetime of its last
    /// token.
    pub fn has_expired_retired_key(&self, now: i64) -> bool {
        now >= self.stale_from.load(Ordering::Relaxed)
    }

    /// Returns the id and algorithm of each key whose rotation is due.
    pub fn due_for_rotation(&self, now: i64) -> Vec<(String, Algorithm)> {
        let is_due = |signing: &&ActiveSigningKey| {
            signing.since.is_some_and(|since| {
                is_rotation_due(since, now, self.settings.rotation_interval_days)
            })
        };
        let ring = self.ring();
        let due = ring.signing_keys().filter(is_due);
        due.map(|signing| (signing.kid.clone(), signing.algorithm)).collect()
    }
}

/// Creates the keys of access tokens if they are missing. Another task or server may create keys of
/// other algorithms at the same time.
///
/// # Errors
/// Returns an error if the database or a key cannot be used.
pub async fn create_first_keys(
    algorithm: Algorithm,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<()> {
    // HS256 signs with the shared secret and needs no key pair.
    if algorithm == Algorithm::HS256 {
        return Ok(());
    }
    if install_first_keys(algorithm, store, clock).await? {
        return Ok(());
    }
    if let Some(key) = publish_first_key(algorithm, store, clock).await? {
        activate_published_key(key, store, clock).await?;
    }
    Ok(())
}

/// Returns when the first retired key will have been published for too long.
fn stale_from(keys: &[SigningKey], now: i64, overlap: i64) -> i64 {
    let ends = keys.iter().filter_map(|key| match key.state {
        KeyState::Retired { since } => Some(since + overlap + 1),
        _ => None,
    });
    ends.filter(|end| *end > now).min().unwrap_or(i64::MAX)
}

fn active_hs256_secret(settings: &KeyPolicy) -> Option<&SecretSetting> {
    settings.hs256_secret.as_ref().filter(|_| settings.algorithm == Algorithm::HS256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStore;

    /// A background task creates keys of other algorithms, also between a deletion and this.
    #[tokio::test]
    async fn keys_are_replaced_beside_one_of_another_algorithm() {
        let algorithm = Algorithm::ES256;
        let clock = Clock::manual(1_000);
        let store = MemoryStore::create().await.unwrap().store();
        let policy = KeyPolicy { algorithm, rotation_interval_days: 0, hs256_secret: None };
        create_first_keys(algorithm, &*store, &clock).await.unwrap();
        let manager =
            KeyManager::open(policy, 3_600, ServerId([1; 16]), &*store, &clock).await.unwrap();
        let before = manager.ring().signing_key(algorithm).unwrap().kid.clone();
        let emptied = MemoryStore::create().await.unwrap().store();
        publish_first_key(Algorithm::EdDSA, &*emptied, &clock).await.unwrap();
        manager.replace_all(&*emptied, &clock).await.unwrap();
        assert_ne!(manager.ring().signing_key(algorithm).unwrap().kid, before);
    }
}
