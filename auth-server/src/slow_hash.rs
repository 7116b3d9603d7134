use std::sync::Arc;

use tokio::sync::Semaphore;
#[cfg(test)]
use tokio::sync::SemaphorePermit;
use zeroize::Zeroizing;

use crate::{
    domain::{SecretHash, hash_chosen_secret},
    entropy::Entropy,
};

/// Checks secrets against slow hashes, a few at a time: more would only make each slower, and keep the others from the
/// processor. Checks of made-up names wait among themselves, so that no flood of them stands before a right secret.
pub struct SlowHashes {
    places: Arc<Semaphore>,
    nobodys_places: Arc<Semaphore>,
    /// Checked against when there is nothing to check against, so that no failure is quicker than another.
    nobodys: SecretHash,
}

const AT_ONCE: usize = 2;
const NOBODYS_AT_ONCE: usize = 1;

impl SlowHashes {
    /// For secrets that are mostly compared in no time: made-up names wait among themselves.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(entropy: &Entropy) -> anyhow::Result<Self> {
        let (places, nobodys_places) = (Semaphore::new(AT_ONCE), Semaphore::new(NOBODYS_AT_ONCE));
        let nobodys = hash_chosen_secret("nobody", entropy.bytes()?)
            .map_err(|error| anyhow::anyhow!("the password hasher does not work: {error}"))?;
        Ok(Self { places: Arc::new(places), nobodys_places: Arc::new(nobodys_places), nobodys })
    }

    /// The same for passwords, which are all slow: with one queue, how long it is does not tell who exists. Nobody's hash
    /// serves both: making another takes 19 MiB for a moment, which the allocator then keeps.
    #[must_use]
    pub fn in_one_queue(&self) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { places: Arc::clone(&places), nobodys_places: places, nobodys: self.nobodys.clone() }
    }

    /// Is `shown` the secret of this hash?
    pub async fn matches(&self, hash: &SecretHash, shown: &str) -> bool {
        matches(&self.places, hash, shown).await
    }

    /// Take as long as a check would: of `dearest`, where somebody made hashes of their own.
    pub async fn match_nothing(&self, shown: &str, dearest: Option<&SecretHash>) {
        matches(&self.nobodys_places, dearest.unwrap_or(&self.nobodys), shown).await;
    }

    /// Take every place, so that a check that comes now has to wait.
    #[cfg(test)]
    pub async fn fill(&self) -> [SemaphorePermit<'_>; 2] {
        let all = u32::try_from(AT_ONCE).unwrap();
        [self.places.acquire_many(all).await.unwrap(), self.fill_nobodys().await]
    }

    /// Take every place of the one queue.
    #[cfg(test)]
    pub async fn fill_the_one(&self) -> SemaphorePermit<'_> {
        self.places.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap()
    }

    /// Take every place for names that nobody has.
    #[cfg(test)]
    pub async fn fill_nobodys(&self) -> SemaphorePermit<'_> {
        let all = u32::try_from(NOBODYS_AT_ONCE).unwrap();
        self.nobodys_places.acquire_many(all).await.unwrap()
    }
}

async fn matches(places: &Semaphore, hash: &SecretHash, shown: &str) -> bool {
    let Ok(_place) = places.acquire().await else { return false };
    let (hash, shown) = (hash.clone(), Zeroizing::new(shown.to_owned()));
    tokio::task::spawn_blocking(move || hash.matches(&shown)).await.unwrap_or(false)
}
