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

/// With which algorithm access tokens are signed, and when their key rotates.
#[derive(Clone)]
pub struct KeyPolicy {
    pub algorithm: Algorithm,
    /// 0 disables rotation.
    pub rotation_interval_days: u32,
    /// The secret shared with resource servers, for HS256 only.
    pub hs256_secret: Option<SecretSetting>,
}

/// The keys in force, replaced as a whole when they rotate.
pub struct KeyManager {
    ring: ArcSwap<KeyRing>,
    settings: KeyPolicy,
    /// A retired key stays published for so long, in seconds: the life of the last token that it
    /// signed.
    overlap: i64,
    /// From then on a key in the ring is published for too long, in seconds.
    stale_from: AtomicI64,
    /// Whoever makes the keys of an algorithm. All who need them at once would each make a pair,
    /// and keep the processor from everybody else.
    generation_lock: Mutex<()>,
    /// One after the other: what was read earlier must not come into force later, or a withdrawn
    /// key would come back.
    reload_lock: Mutex<()>,
}

/// The keys of an algorithm could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the keys of an algorithm cannot be made: {0:#}")]
pub struct KeyGenerationError(anyhow::Error);

impl KeyManager {
    /// Read the keys; make those that sign access tokens at the first start.
    ///
    /// # Errors
    /// When the database or a key cannot be used.
    pub async fn open(
        settings: KeyPolicy,
        overlap: i64,
        store: &dyn Store,
        now: i64,
    ) -> anyhow::Result<Self> {
        // A shared secret needs no key pair to sign.
        if settings.algorithm != Algorithm::HS256 {
            make_missing(settings.algorithm, store, now).await?;
        }
        let keys = store.signing_keys().await.context("the signing keys")?;
        let ring = KeyRing::new(&keys, settings.algorithm, shared(&settings), now - overlap)?;
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

    /// Make the keys of an algorithm that has none yet: RSA keys take long, so they are made when
    /// they are needed.
    ///
    /// # Errors
    /// When the database or a key cannot be used.
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
        let _maker = self.generation_lock.lock().await;
        if missing() {
            let made = async {
                make_missing(algorithm, store, now).await?;
                self.reload(store, now).await
            };
            made.await.map_err(KeyGenerationError)?;
        }
        Ok(())
    }

    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Take up what has changed in the store.
    ///
    /// # Errors
    /// When the database or a key cannot be used; the old keys stay in force then.
    pub async fn reload(&self, store: &dyn Store, now: i64) -> anyhow::Result<()> {
        let _turn = self.reload_lock.lock().await;
        let keys = store.signing_keys().await?;
        let ring = KeyRing::new(
            &keys,
            self.settings.algorithm,
            shared(&self.settings),
            now - self.overlap,
        )?;
        self.ring.store(Arc::new(ring));
        self.stale_from.store(stale_from(&keys, now, self.overlap), Ordering::Relaxed);
        Ok(())
    }

    /// Is a retired key published for longer than its last token lives?
    pub fn are_stale(&self, now: i64) -> bool {
        now >= self.stale_from.load(Ordering::Relaxed)
    }

    /// Let the next key take over where the current one has signed long enough. Of several servers
    /// one does it.
    ///
    /// # Errors
    /// When the database cannot be used.
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
            let next = make(*algorithm).await?;
            match store
                .apply(AuditedChange::rotate_key(kid, next, Actor::System, now * 1_000))
                .await
            {
                Ok(()) => tracing::info!(retired = %kid, "signing key rotated by schedule"),
                // Another server was faster.
                Err(StoreError::KeysChanged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if due.is_empty() { Ok(()) } else { self.reload(store, now).await }
    }
}

/// When the first of the published keys has been retired for too long.
fn stale_from(keys: &[SigningKey], now: i64, overlap: i64) -> i64 {
    let ends = keys.iter().filter_map(|key| match key.state {
        KeyState::Retired { since } => Some(since + overlap + 1),
        _ => None,
    });
    ends.filter(|end| *end > now).min().unwrap_or(i64::MAX)
}

fn shared(settings: &KeyPolicy) -> Option<&SecretSetting> {
    settings.hs256_secret.as_ref().filter(|_| settings.algorithm == Algorithm::HS256)
}

async fn make_missing(algorithm: Algorithm, store: &dyn Store, now: i64) -> anyhow::Result<()> {
    let keys = store.signing_keys().await.context("the signing keys")?;
    let signs = |key: &SigningKey| {
        key.algorithm == algorithm && matches!(key.state, KeyState::Current { .. })
    };
    if keys.iter().any(signs) {
        return Ok(());
    }
    let (current, next) = (make(algorithm).await?, make(algorithm).await?);
    match store.apply(AuditedChange::install_keys(current, next, Actor::System, now * 1_000)).await
    {
        // Another server was faster; its keys are loaded next.
        Ok(()) | Err(StoreError::KeysChanged) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An RSA key takes so long that no request may have to wait for it.
async fn make(algorithm: Algorithm) -> anyhow::Result<NewKey> {
    Ok(tokio::task::spawn_blocking(move || generate(algorithm)).await??)
}
