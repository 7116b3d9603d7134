use std::sync::Arc;

use tokio::sync::Semaphore;
#[cfg(test)]
use tokio::sync::SemaphorePermit;
use zeroize::Zeroizing;

use crate::{
    domain::{SecretHash, hash_password},
    rate_limit::Permit,
    secure_random::SecureRandom,
};

/// Checks secrets against slow hashes, a few at a time: more would only make each slower, and keep
/// the others from the processor. Checks of made-up names wait among themselves, so that no flood
/// of them stands before a right secret.
pub struct PasswordHasherPool {
    places: Arc<Semaphore>,
    dummy_permits: Arc<Semaphore>,
    /// Checked against when there is nothing to check against, so that no failure is quicker than
    /// another.
    dummy_hash: SecretHash,
}

const CONCURRENCY: usize = 2;
const DUMMY_CONCURRENCY: usize = 1;

impl PasswordHasherPool {
    /// For secrets that are mostly compared in no time: made-up names wait among themselves.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(entropy: &SecureRandom) -> anyhow::Result<Self> {
        let (places, dummy_permits) =
            (Semaphore::new(CONCURRENCY), Semaphore::new(DUMMY_CONCURRENCY));
        let dummy_hash = hash_password("nobody", entropy.bytes()?)
            .map_err(|error| anyhow::anyhow!("the password hasher does not work: {error}"))?;
        Ok(Self { places: Arc::new(places), dummy_permits: Arc::new(dummy_permits), dummy_hash })
    }

    /// The same for passwords, which are all slow: with one queue, how long it is does not tell who
    /// exists. Nobody's hash serves both: making another takes 19 MiB for a moment, which the
    /// allocator then keeps.
    #[must_use]
    pub fn in_one_queue(&self) -> Self {
        let places = Arc::new(Semaphore::new(CONCURRENCY));
        Self {
            places: Arc::clone(&places),
            dummy_permits: places,
            dummy_hash: self.dummy_hash.clone(),
        }
    }

    /// Which of these hashes is that of `shown`, and what follows from that: `settle` runs with the
    /// check, also when nobody waits for it any more. Nothing where the check never began.
    pub async fn find<T: Send + 'static>(
        &self,
        hashes: Vec<SecretHash>,
        shown: &str,
        settle: impl FnOnce(Option<usize>) -> T + Send + 'static,
    ) -> Option<T> {
        let shown = Zeroizing::new(shown.to_owned());
        check(&self.places, move || settle(hashes.iter().position(|hash| hash.matches(&shown))))
            .await
    }

    /// Take as long as a check would, of `dearest` where somebody made hashes of their own, and
    /// keep these places in the failure limits: there was nothing to find.
    pub async fn verify_dummy(
        &self,
        shown: &str,
        dearest: Option<&SecretHash>,
        taken: Vec<Permit>,
    ) {
        let (hash, shown) =
            (dearest.unwrap_or(&self.dummy_hash).clone(), Zeroizing::new(shown.to_owned()));
        let find = move || {
            hash.matches(&shown);
            taken.into_iter().for_each(Permit::consume);
        };
        check(&self.dummy_permits, find).await;
    }

    /// Take every place, so that a check that comes now has to wait.
    #[cfg(test)]
    pub async fn fill(&self) -> [SemaphorePermit<'_>; 2] {
        let all = u32::try_from(CONCURRENCY).unwrap();
        [self.places.acquire_many(all).await.unwrap(), self.fill_dummy().await]
    }

    /// Take every place of the one queue.
    #[cfg(test)]
    pub async fn fill_the_one(&self) -> SemaphorePermit<'_> {
        self.places.acquire_many(u32::try_from(CONCURRENCY).unwrap()).await.unwrap()
    }

    /// Take every place for names that nobody has.
    #[cfg(test)]
    pub async fn fill_dummy(&self) -> SemaphorePermit<'_> {
        let all = u32::try_from(DUMMY_CONCURRENCY).unwrap();
        self.dummy_permits.acquire_many(all).await.unwrap()
    }
}

/// Run a check in its turn, and to its end: also when whoever asked for it has hung up, its turn
/// stays taken until then, and what it finds is counted. Who hangs up before it begins has not
/// tried.
async fn check<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    find: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let turn = Arc::clone(turns).acquire_owned().await.ok()?;
    let checking = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        find()
    });
    checking.await.ok()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::{sync::oneshot, task::JoinHandle};

    use super::*;
    use crate::rate_limit::RateLimiter;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A check that takes the one place of the limit, and keeps it if nothing is found.
    fn ask(
        turns: &Arc<Semaphore>,
        limit: &RateLimiter,
        find: impl FnOnce() -> bool + Send + 'static,
    ) -> JoinHandle<Option<()>> {
        let (turns, place) = (Arc::clone(turns), limit.acquire("a", HOME, 0).unwrap());
        let settled = move || if find() { drop(place) } else { place.consume() };
        tokio::spawn(async move { check(&turns, settled).await })
    }

    async fn hang_up(asked: JoinHandle<Option<()>>) {
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn a_check_for_somebody_who_has_hung_up_keeps_its_turn_and_what_it_finds_is_counted() {
        for right in [false, true] {
            let (turns, limit) = (Arc::new(Semaphore::new(1)), RateLimiter::new(1, 10));
            let ((begin, begun), (finish, finished)) =
                (oneshot::channel(), std::sync::mpsc::channel());
            let asked = ask(&turns, &limit, move || {
                begin.send(()).unwrap();
                finished.recv().unwrap();
                right
            });
            begun.await.unwrap();
            hang_up(asked).await;
            assert_eq!(turns.available_permits(), 0);
            finish.send(()).unwrap();
            drop(turns.acquire().await.unwrap());
            assert_eq!(limit.acquire("a", HOME, 0).is_ok(), right);
        }
    }

    #[tokio::test]
    async fn who_hangs_up_before_the_check_begins_has_not_tried() {
        let (turns, limit) = (Arc::new(Semaphore::new(1)), RateLimiter::new(1, 10));
        let _others = turns.acquire().await.unwrap();
        hang_up(ask(&turns, &limit, || unreachable!("it is not its turn"))).await;
        assert!(limit.acquire("a", HOME, 0).is_ok());
    }
}
