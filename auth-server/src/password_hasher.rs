use std::sync::Arc;

use tokio::sync::Semaphore;
#[cfg(test)]
use tokio::sync::SemaphorePermit;
use zeroize::Zeroizing;

use crate::{
    domain::{SecretHash, hash_password},
    rate_limit::Place,
    secure_random::Entropy,
};

/// Checks secrets against slow hashes, a few at a time: more would only make each slower, and keep
/// the others from the processor. Checks of made-up names wait among themselves, so that no flood
/// of them stands before a right secret.
pub struct SlowHashes {
    places: Arc<Semaphore>,
    nobodys_places: Arc<Semaphore>,
    /// Checked against when there is nothing to check against, so that no failure is quicker than
    /// another.
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
        let nobodys = hash_password("nobody", entropy.bytes()?)
            .map_err(|error| anyhow::anyhow!("the password hasher does not work: {error}"))?;
        Ok(Self { places: Arc::new(places), nobodys_places: Arc::new(nobodys_places), nobodys })
    }

    /// The same for passwords, which are all slow: with one queue, how long it is does not tell who
    /// exists. Nobody's hash serves both: making another takes 19 MiB for a moment, which the
    /// allocator then keeps.
    #[must_use]
    pub fn in_one_queue(&self) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { places: Arc::clone(&places), nobodys_places: places, nobodys: self.nobodys.clone() }
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
    pub async fn find_nothing(&self, shown: &str, dearest: Option<&SecretHash>, taken: Vec<Place>) {
        let (hash, shown) =
            (dearest.unwrap_or(&self.nobodys).clone(), Zeroizing::new(shown.to_owned()));
        let find = move || {
            hash.matches(&shown);
            taken.into_iter().for_each(Place::keep);
        };
        check(&self.nobodys_places, find).await;
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
    use crate::rate_limit::FailureLimit;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A check that takes the one place of the limit, and keeps it if nothing is found.
    fn ask(
        turns: &Arc<Semaphore>,
        limit: &FailureLimit,
        find: impl FnOnce() -> bool + Send + 'static,
    ) -> JoinHandle<Option<()>> {
        let (turns, place) = (Arc::clone(turns), limit.charge("a", HOME, 0).unwrap());
        let settled = move || if find() { drop(place) } else { place.keep() };
        tokio::spawn(async move { check(&turns, settled).await })
    }

    async fn hang_up(asked: JoinHandle<Option<()>>) {
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn a_check_for_somebody_who_has_hung_up_keeps_its_turn_and_what_it_finds_is_counted() {
        for right in [false, true] {
            let (turns, limit) = (Arc::new(Semaphore::new(1)), FailureLimit::new(1, 10));
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
            assert_eq!(limit.charge("a", HOME, 0).is_ok(), right);
        }
    }

    #[tokio::test]
    async fn who_hangs_up_before_the_check_begins_has_not_tried() {
        let (turns, limit) = (Arc::new(Semaphore::new(1)), FailureLimit::new(1, 10));
        let _others = turns.acquire().await.unwrap();
        hang_up(ask(&turns, &limit, || unreachable!("it is not its turn"))).await;
        assert!(limit.charge("a", HOME, 0).is_ok());
    }
}
