use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use service_kit::SecretSetting;

use super::{KeyRing, generate};
use crate::{
    domain::{Algorithm, KeyState, SigningKey, is_due},
    settings::KeySettings,
    store::Store,
};

/// The keys in force, replaced as a whole when they rotate.
pub struct LiveKeys {
    ring: ArcSwap<KeyRing>,
    settings: KeySettings,
}

impl LiveKeys {
    /// Read the keys; make them at the first start, and anew when the setting asks for another algorithm.
    ///
    /// # Errors
    /// When the database or a key cannot be used.
    pub async fn open(settings: KeySettings, store: &dyn Store, now: i64) -> anyhow::Result<Self> {
        let keys = with_keys_of(settings.algorithm, store, now).await?;
        let ring = KeyRing::new(&keys, shared(&settings))?;
        Ok(Self { ring: ArcSwap::from_pointee(ring), settings })
    }

    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Take up what has changed in the store.
    ///
    /// # Errors
    /// When the database or a key cannot be used; the old keys stay in force then.
    pub async fn take_up(&self, store: &dyn Store) -> anyhow::Result<()> {
        let keys = store.signing_keys().await?;
        self.ring.store(Arc::new(KeyRing::new(&keys, shared(&self.settings))?));
        Ok(())
    }

    /// Let the next key take over if the current one has signed long enough. Of several servers one does it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn rotate_if_due(&self, store: &dyn Store, now: i64) -> anyhow::Result<()> {
        let (kid, algorithm) = match &self.ring().signing {
            signing if signing.since.is_some_and(|since| is_due(since, now, self.settings.rotation_days)) => {
                (signing.kid.clone(), signing.algorithm)
            }
            _ => return Ok(()),
        };
        if store.rotate_keys(&kid, &generate(algorithm)?, now).await? {
            tracing::info!(retired = %kid, "the signing key was rotated by schedule");
        }
        self.take_up(store).await
    }
}

fn shared(settings: &KeySettings) -> Option<&SecretSetting> {
    settings.hs256_secret.as_ref().filter(|_| settings.algorithm == Algorithm::HS256)
}

async fn with_keys_of(algorithm: Algorithm, store: &dyn Store, now: i64) -> anyhow::Result<Vec<SigningKey>> {
    // A shared secret signs instead of a key pair; the pair is kept, so that learning HS256 costs no key.
    let wanted = if algorithm == Algorithm::HS256 { None } else { Some(algorithm) };
    let keys = store.signing_keys().await.context("the signing keys")?;
    let current = keys.iter().find(|key| matches!(key.state, KeyState::Current { .. }));
    let expected = match current {
        Some(current) if wanted.is_none_or(|wanted| wanted == current.algorithm) => return Ok(keys),
        other => other.map(|current| current.kid.as_str()),
    };
    let made = wanted.unwrap_or_default();
    // Whoever loses the race reads what the winner has made.
    store.install_keys(expected, &generate(made)?, &generate(made)?, now).await?;
    Ok(store.signing_keys().await?)
}
