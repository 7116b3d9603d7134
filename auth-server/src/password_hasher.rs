use std::sync::Arc;

use tokio::sync::Semaphore;
#[cfg(test)]
use tokio::sync::SemaphorePermit;
use zeroize::Zeroizing;

use crate::{
    domain::{SecretHash, is_well_known},
    rate_limit::Permit,
};

/// Verifies secrets against slow hashes with bounded concurrency: more checks at once would only
/// slow down each other and other requests. Dummy checks for unknown names have their own queue, so
/// that a flood of them does not delay valid secrets.
pub struct PasswordHasherPool {
    permits: Arc<Semaphore>,
    dummy_permits: Arc<Semaphore>,
    /// Whether the secrets and passwords of the demo are rejected.
    rejects_well_known: bool,
    /// Costs of the hashes that dummy checks used.
    #[cfg(test)]
    dummy_costs: Arc<std::sync::Mutex<Vec<u64>>>,
    /// Number of checks that callers have asked for.
    #[cfg(test)]
    requested: Arc<std::sync::atomic::AtomicUsize>,
}

/// Hash to verify against if there is no other, so that all failures take the same time. It has the
/// cost of a new hash, and the output is zeros: no known password has it. A constant, because
/// computing one would delay the start.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const CONCURRENCY: usize = 2;
const DUMMY_CONCURRENCY: usize = 1;

impl PasswordHasherPool {
    /// Creates a pool for secrets that mostly have fast hashes, with a separate queue for dummy
    /// checks. `rejects_well_known` rejects the secrets of the demo even if they are right.
    #[must_use]
    pub fn new(rejects_well_known: bool) -> Self {
        let (permits, dummy_permits) =
            (Semaphore::new(CONCURRENCY), Semaphore::new(DUMMY_CONCURRENCY));
        Self {
            permits: Arc::new(permits),
            dummy_permits: Arc::new(dummy_permits),
            rejects_well_known,
            #[cfg(test)]
            dummy_costs: Arc::default(),
            #[cfg(test)]
            requested: Arc::default(),
        }
    }

    /// Creates a pool for passwords, whose hashes are all slow. It has a single queue, so that
    /// waiting times do not reveal which users exist.
    #[must_use]
    pub fn for_passwords(rejects_well_known: bool) -> Self {
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        Self {
            permits: Arc::clone(&permits),
            dummy_permits: permits,
            ..Self::new(rejects_well_known)
        }
    }

    /// Finds the hash that matches the secret and passes its index to `on_result`, which runs even
    /// if the caller is cancelled during the check. Returns `None` if the check did not start.
    ///
    /// A well-known secret is judged here, when it is presented, and not at the start: hashing the
    /// known ones for each client and user would take tens of milliseconds each.
    pub async fn find<T: Send + 'static>(
        &self,
        hashes: Vec<SecretHash>,
        secret: &str,
        on_result: impl FnOnce(Option<usize>) -> T + Send + 'static,
    ) -> Option<T> {
        #[cfg(test)]
        self.requested.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let secret = Zeroizing::new(secret.to_owned());
        let rejected = self.rejects_well_known && is_well_known(&secret);
        check(&self.permits, move || {
            let found = hashes.iter().position(|hash| hash.matches(&secret));
            if rejected && found.is_some() {
                tracing::error!(
                    "rejected a secret or password of the demo, which is public: replace it, see the audit log for its owner"
                );
            }
            on_result(found.filter(|_| !rejected))
        })
        .await
    }

    /// Takes as long as a check against `costliest_hash`, by default the dummy hash, and consumes
    /// the permits: the attempt has failed.
    pub async fn verify_dummy(
        &self,
        secret: &str,
        costliest_hash: Option<&SecretHash>,
        permits: Vec<Permit>,
    ) {
        #[cfg(test)]
        self.requested.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dummy = || SecretHash::Argon2id(DUMMY_HASH.to_owned());
        let hash = costliest_hash.cloned().unwrap_or_else(dummy);
        let secret = Zeroizing::new(secret.to_owned());
        #[cfg(test)]
        let costs = Arc::clone(&self.dummy_costs);
        let find = move || {
            #[cfg(test)]
            if let Ok(mut costs) = costs.lock() {
                costs.push(hash.cost());
            }
            hash.matches(&secret);
            permits.into_iter().for_each(Permit::consume);
        };
        check(&self.dummy_permits, find).await;
    }

    /// Returns the number of checks that callers have asked for.
    #[cfg(test)]
    pub fn requested(&self) -> usize {
        self.requested.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Returns the costs of the hashes that dummy checks used.
    #[cfg(test)]
    pub fn dummy_costs(&self) -> Vec<u64> {
        self.dummy_costs.lock().unwrap().clone()
    }

    /// Acquires all permits, so that every later check waits.
    #[cfg(test)]
    pub async fn fill(&self) -> [SemaphorePermit<'_>; 2] {
        let all = u32::try_from(CONCURRENCY).unwrap();
        [self.permits.acquire_many(all).await.unwrap(), self.fill_dummy().await]
    }

    /// Acquires all permits of a pool with a single queue.
    #[cfg(test)]
    pub async fn fill_single_queue(&self) -> SemaphorePermit<'_> {
        self.permits.acquire_many(u32::try_from(CONCURRENCY).unwrap()).await.unwrap()
    }

    /// Acquires all permits for dummy checks.
    #[cfg(test)]
    pub async fn fill_dummy(&self) -> SemaphorePermit<'_> {
        let all = u32::try_from(DUMMY_CONCURRENCY).unwrap();
        self.dummy_permits.acquire_many(all).await.unwrap()
    }
}

/// Runs a check with a permit. Once started, it runs to completion and is counted even if the
/// caller is cancelled. A caller that is cancelled before that has made no attempt.
async fn check<T: Send + 'static>(
    semaphore: &Arc<Semaphore>,
    find: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let permit = Arc::clone(semaphore).acquire_owned().await.ok()?;
    let checking = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        find()
    });
    checking.await.ok()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        time::Duration,
    };

    use tokio::{sync::oneshot, task::JoinHandle};

    use super::*;
    use crate::{
        domain::{computed_hashes, hash_password},
        rate_limit::RateLimiter,
    };

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Starts a check that acquires the only permit of the rate limit, and consumes it if nothing
    /// matches.
    async fn start_check(
        semaphore: &Arc<Semaphore>,
        limit: &RateLimiter,
        find: impl FnOnce() -> bool + Send + 'static,
    ) -> JoinHandle<Option<()>> {
        let (semaphore, permit) =
            (Arc::clone(semaphore), limit.acquire("a", HOME, Duration::ZERO).await.unwrap());
        let on_finish = move || if find() { drop(permit) } else { permit.consume() };
        tokio::spawn(async move { check(&semaphore, on_finish).await })
    }

    async fn hang_up(attempt: JoinHandle<Option<()>>) {
        attempt.abort();
        assert!(attempt.await.unwrap_err().is_cancelled());
    }

    #[test]
    fn passwords_and_dummy_checks_wait_in_one_queue() {
        let one = PasswordHasherPool::for_passwords(false);
        assert!(Arc::ptr_eq(&one.permits, &one.dummy_permits));
        let two = PasswordHasherPool::new(false);
        assert!(!Arc::ptr_eq(&two.permits, &two.dummy_permits));
    }

    #[tokio::test]
    async fn disconnected_caller_keeps_its_turn_and_is_counted() {
        for right in [false, true] {
            let (semaphore, limit) =
                (Arc::new(Semaphore::new(1)), RateLimiter::new("test", 1, 10, None));
            let ((begin, begun), (finish, finished)) =
                (oneshot::channel(), std::sync::mpsc::channel());
            let attempt = start_check(&semaphore, &limit, move || {
                begin.send(()).unwrap();
                finished.recv().unwrap();
                right
            })
            .await;
            begun.await.unwrap();
            hang_up(attempt).await;
            assert_eq!(semaphore.available_permits(), 0);
            finish.send(()).unwrap();
            drop(semaphore.acquire().await.unwrap());
            assert_eq!(limit.acquire("a", HOME, Duration::ZERO).await.is_ok(), right);
        }
    }

    #[test]
    fn dummy_hash_costs_as_much_as_a_new_hash() {
        let dummy = SecretHash::Argon2id(DUMMY_HASH.to_owned());
        assert_eq!(dummy.cost(), hash_password("x", [1; 16]).unwrap().cost());
        let before = computed_hashes();
        assert!(!dummy.matches("x"));
        assert_eq!(computed_hashes(), before + 1, "the hash is well-formed, so it is computed");
    }

    #[tokio::test]
    async fn well_known_secret_is_rejected_only_if_asked_for() {
        let hash = |secret: &str| vec![hash_password(secret, [1; 16]).unwrap()];
        for (rejects, hashed, presented, expected) in [
            (true, "abc123", "abc123", None),
            (true, "wonderland", "wonderland", None),
            (true, "abc123", "another", None),
            (true, "own secret", "own secret", Some(0)),
            (false, "abc123", "abc123", Some(0)),
        ] {
            for pool in
                [PasswordHasherPool::new(rejects), PasswordHasherPool::for_passwords(rejects)]
            {
                let found = pool.find(hash(hashed), presented, |found| found).await;
                assert_eq!(found, Some(expected), "{rejects} {hashed}");
            }
        }
    }

    #[tokio::test]
    async fn caller_that_disconnects_before_hashing_is_not_counted() {
        let (semaphore, limit) =
            (Arc::new(Semaphore::new(1)), RateLimiter::new("test", 1, 10, None));
        let _others = semaphore.acquire().await.unwrap();
        hang_up(start_check(&semaphore, &limit, || unreachable!("the check must not start")).await)
            .await;
        assert!(limit.acquire("a", HOME, Duration::ZERO).await.is_ok());
    }
}
