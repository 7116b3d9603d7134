use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{
    domain::{SecretHash, hash_chosen_secret},
    entropy::Entropy,
};

/// Checks secrets against slow hashes, a few at a time: more would only make each slower, and keep the others from the
/// processor.
pub struct SlowHashes {
    places: Semaphore,
    /// Checked against when there is nothing to check against, so that no failure is quicker than another.
    nobodys: SecretHash,
}

const AT_ONCE: usize = 2;

impl SlowHashes {
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(entropy: &Entropy) -> anyhow::Result<Self> {
        let nobodys = hash_chosen_secret("nobody", entropy.bytes()?)
            .map_err(|error| anyhow::anyhow!("the password hasher does not work: {error}"))?;
        Ok(Self { places: Semaphore::new(AT_ONCE), nobodys })
    }

    /// Is `shown` the secret of this hash?
    pub async fn matches(&self, hash: &SecretHash, shown: &str) -> bool {
        let Ok(_place) = self.places.acquire().await else { return false };
        let (hash, shown) = (hash.clone(), Zeroizing::new(shown.to_owned()));
        tokio::task::spawn_blocking(move || hash.matches(&shown)).await.unwrap_or(false)
    }

    /// Take as long as a check would.
    pub async fn match_nothing(&self, shown: &str) {
        self.matches(&self.nobodys, shown).await;
    }

    /// Take every place, so that a check that comes now has to wait.
    #[cfg(test)]
    pub async fn fill(&self) -> tokio::sync::SemaphorePermit<'_> {
        let all = u32::try_from(AT_ONCE).unwrap();
        self.places.acquire_many(all).await.unwrap()
    }
}
