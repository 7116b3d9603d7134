use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use anyhow::Context;
use arc_swap::ArcSwap;
use service_kit::SecretSetting;
use tokio::sync::Mutex;

use super::{KeyRing, Signing, generate};
use crate::{
    domain::{Actor, Algorithm, KeyState, NewKey, SigningKey, is_rotation_due},
    storage::{AuditedChange, Store, StoreError},
};

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
    /// Serializes key generation. Otherwise every concurrent request for a new algorithm would
    /// generate a pair and starve other requests of CPU time.
    generation_lock: Mutex<()>,
    /// Serializes reloads, so that an older read never replaces a newer one and restores a
    /// withdrawn key.
    reload_lock: Mutex<()>,
}

/// Key generation for an algorithm failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to generate signing keys: {0:#}")]
pub struct KeyGenerationError(anyhow::Error);

impl KeyManager {
    /// Loads the keys. Generates those for access tokens at the first start.
    ///
    /// # Errors
    /// Returns an error if the database or a key cannot be used.
    pub async fn open(
        settings: KeyPolicy,
        overlap: i64,
        store: &dyn Store,
        now: i64,
    ) -> anyhow::Result<Self> {
        // HS256 signs with the shared secret and needs no key pair.
        if settings.algorithm != Algorithm::HS256 {
            generate_missing(settings.algorithm, store, now).await?;
        }
        let keys = store.signing_keys().await.context("failed to load the signing keys")?;
        let ring =
            KeyRing::new(&keys, settings.algorithm, active_hs256_secret(&settings), now - overlap)?;
        let stale_from = AtomicI64::new(stale_from(&keys, now, overlap));
        Ok(Self {
            ring: ArcSwap::from_pointee(ring),
            settings,
            overlap,
            stale_from,
            generation_lock: Mutex::default(),
            reload_lock: Mutex::default(),
        })
    }

    /// Generates the keys of an algorithm that has none. RSA keys take long to generate, so they
    /// are generated on demand.
    ///
    /// # Errors
    /// Returns an error if the database or a key cannot be used.
    pub async fn ensure(
        &self,
        algorithm: Algorithm,
        store: &dyn Store,
        now: i64,
    ) -> Result<(), KeyGenerationError> {
        let missing = || self.ring().of(algorithm).is_none();
        if !missing() {
            return Ok(());
        }
        let _generating = self.generation_lock.lock().await;
        if missing() {
            let generated = async {
                generate_missing(algorithm, store, now).await?;
                self.reload(store, now).await
            };
            generated.await.map_err(KeyGenerationError)?;
        }
        Ok(())
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
        Ok(())
    }

    /// Reports whether a retired key has been published for longer than the lifetime of its last
    /// token.
    pub fn are_stale(&self, now: i64) -> bool {
        now >= self.stale_from.load(Ordering::Relaxed)
    }

    /// Rotates each key whose rotation is due. If several servers try, one succeeds.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used.
    pub async fn rotate_if_due(&self, store: &dyn Store, now: i64) -> anyhow::Result<()> {
        let due = |signing: &&Signing| {
            signing.since.is_some_and(|since| {
                is_rotation_due(since, now, self.settings.rotation_interval_days)
            })
        };
        let due: Vec<_> = self
            .ring()
            .all_signing()
            .filter(due)
            .map(|signing| (signing.kid.clone(), signing.algorithm))
            .collect();
        for (kid, algorithm) in &due {
            let next = generate_key(*algorithm).await?;
            match store
                .apply(AuditedChange::rotate_key(kid, next, Actor::System, now * 1_000))
                .await
            {
                Ok(()) => tracing::info!(retired = %kid, "signing key rotated by schedule"),
                // Another server rotated it first.
                Err(StoreError::KeysChanged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if due.is_empty() { Ok(()) } else { self.reload(store, now).await }
    }
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

async fn generate_missing(algorithm: Algorithm, store: &dyn Store, now: i64) -> anyhow::Result<()> {
    let keys = store.signing_keys().await.context("failed to load the signing keys")?;
    let signs = |key: &SigningKey| {
        key.algorithm == algorithm && matches!(key.state, KeyState::Current { .. })
    };
    if keys.iter().any(signs) {
        return Ok(());
    }
    let (current, next) = (generate_key(algorithm).await?, generate_key(algorithm).await?);
    match store.apply(AuditedChange::install_keys(current, next, Actor::System, now * 1_000)).await
    {
        // Another server installed its keys first; they are loaded next.
        Ok(()) | Err(StoreError::KeysChanged) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Generates a key on a blocking thread, because RSA keys take long.
async fn generate_key(algorithm: Algorithm) -> anyhow::Result<NewKey> {
    Ok(tokio::task::spawn_blocking(move || generate(algorithm)).await??)
}
