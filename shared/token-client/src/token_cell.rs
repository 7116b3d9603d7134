use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{cached_token::CachedToken, error::TokenError};

pub(crate) type FetchResult = Result<Arc<CachedToken>, TokenError>;

/// The cached token of one target, and at most one fetch of the next.
///
/// The task that holds the lock of `last_outcome` fetches. A cancelled caller drops the lock, and
/// the next one takes over. A caller that gets the lock after a fetch has completed shares its
/// outcome. This includes failures, so that many callers do not send many requests to a server that
/// has just failed.
#[derive(Default)]
pub(crate) struct TokenCell {
    token: ArcSwapOption<CachedToken>,
    last_outcome: Arc<Mutex<Option<FetchResult>>>,
    completions: AtomicU64,
    /// Uptime in milliseconds.
    backoff_until: AtomicU64,
}

/// What a cell holds at a point in time.
pub(crate) enum Freshness {
    /// A valid token.
    Fresh(Arc<CachedToken>),
    /// A valid token that expires soon.
    RefreshDue(Arc<CachedToken>),
    /// No valid token.
    Missing,
}

/// The number of completed fetches when a caller read the cell.
#[derive(Clone, Copy)]
pub(crate) struct FetchCount(u64);

/// The permission to fetch the token, held by one task at a time.
pub(crate) type FetchPermit = OwnedMutexGuard<Option<FetchResult>>;

impl TokenCell {
    /// Reads the cell at `now`, an uptime of the clock. The count is read before the token:
    /// otherwise a completion between the two would be missed, and the token fetched again.
    pub(crate) fn read(&self, now: Duration) -> (FetchCount, Freshness) {
        let seen = FetchCount(self.completions.load(Ordering::SeqCst));
        let freshness = match self.token.load_full() {
            Some(token) if token.is_expired(now) => Freshness::Missing,
            Some(token) if token.needs_refresh(now) && now >= self.backoff_until() => {
                Freshness::RefreshDue(token)
            }
            Some(token) => Freshness::Fresh(token),
            None => Freshness::Missing,
        };
        (seen, freshness)
    }

    /// Waits for the fetch in progress and shares its outcome, or fetches.
    pub(crate) async fn join(
        &self,
        seen: FetchCount,
        fetch: impl Future<Output = FetchResult>,
    ) -> FetchResult {
        let permit = Arc::clone(&self.last_outcome).lock_owned().await;
        if let (true, Some(outcome)) = (self.has_completed_since(seen), &*permit) {
            return outcome.clone();
        }
        self.complete(permit, fetch.await)
    }

    /// Returns the permit, unless a fetch is in progress or has completed since the cell was read.
    pub(crate) fn try_acquire(&self, seen: FetchCount) -> Option<FetchPermit> {
        let permit = Arc::clone(&self.last_outcome).try_lock_owned().ok();
        permit.filter(|_| !self.has_completed_since(seen))
    }

    /// Stores the outcome of a fetch, and returns it.
    pub(crate) fn complete(&self, mut permit: FetchPermit, outcome: FetchResult) -> FetchResult {
        if let Ok(token) = &outcome {
            self.token.store(Some(Arc::clone(token)));
        }
        *permit = Some(outcome.clone());
        self.completions.fetch_add(1, Ordering::SeqCst);
        outcome
    }

    /// Suppresses refreshes until the uptime `then`, because one has just failed.
    pub(crate) fn back_off_until(&self, then: Duration) {
        let millis = u64::try_from(then.as_millis()).unwrap_or(u64::MAX);
        self.backoff_until.store(millis, Ordering::SeqCst);
    }

    fn backoff_until(&self) -> Duration {
        Duration::from_millis(self.backoff_until.load(Ordering::SeqCst))
    }

    /// Removes the token, whichever it is.
    pub(crate) fn clear(&self) {
        self.token.store(None);
    }

    /// Removes `token`. Comparison and removal are one step, so that many rejections of an old
    /// token do not remove the new one.
    pub(crate) fn invalidate(&self, token: &CachedToken) {
        self.token.rcu(|current| {
            current.as_ref().filter(|current| !current.is_same(token)).map(Arc::clone)
        });
    }

    /// Returns the uptime at which the cached token expires; `None` without a token.
    pub(crate) fn fresh_until(&self) -> Option<Duration> {
        self.token.load().as_ref().map(|token| token.fresh_until())
    }

    fn has_completed_since(&self, FetchCount(seen): FetchCount) -> bool {
        self.completions.load(Ordering::SeqCst) != seen
    }
}

#[cfg(test)]
mod tests {
    use oauth_types::{AccessToken, Scope, TokenResponse};

    use super::*;
    use crate::cached_token::SentAt;

    fn token(text: &str) -> Arc<CachedToken> {
        let response = TokenResponse::bearer(AccessToken::new(text), Some(600), None);
        let sent_at = SentAt { unix: 0, uptime: Duration::ZERO };
        Arc::new(CachedToken::new(response, &Scope::empty(), sent_at, Duration::ZERO))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    async fn cell_with_token() -> TokenCell {
        let cell = TokenCell::default();
        let (seen, _) = cell.read(at(0));
        cell.join(seen, async { Ok(token("t1")) }).await.unwrap();
        cell
    }

    #[tokio::test]
    async fn token_becomes_due_for_refresh_before_it_expires() {
        let cell = cell_with_token().await;
        assert!(matches!(cell.read(at(479)).1, Freshness::Fresh(_)));
        assert!(matches!(cell.read(at(480)).1, Freshness::RefreshDue(_)));
        assert!(matches!(cell.read(at(600)).1, Freshness::Missing));
    }

    #[tokio::test]
    async fn backoff_suppresses_refresh_but_not_expiry() {
        let cell = cell_with_token().await;
        cell.back_off_until(at(500));
        assert!(matches!(cell.read(at(499)).1, Freshness::Fresh(_)));
        assert!(matches!(cell.read(at(500)).1, Freshness::RefreshDue(_)));
        cell.back_off_until(at(700));
        assert!(matches!(cell.read(at(600)).1, Freshness::Missing));
    }

    #[tokio::test]
    async fn waiting_callers_share_a_completed_fetch() {
        let cell = cell_with_token().await;
        let (before, _) = cell.read(at(480));
        let permit = cell.try_acquire(before).unwrap();
        assert!(cell.try_acquire(before).is_none(), "one permit at a time");
        cell.complete(permit, Ok(token("t2"))).unwrap();
        assert!(cell.try_acquire(before).is_none());
        let shared = cell.join(before, async { panic!("fetched again") }).await.unwrap();
        assert_eq!(shared.access_token.expose(), "t2");
    }

    #[tokio::test]
    async fn invalidating_an_old_token_keeps_the_new_one() {
        let cell = cell_with_token().await;
        cell.invalidate(&token("t0"));
        assert!(matches!(cell.read(at(0)).1, Freshness::Fresh(_)));
        cell.invalidate(&token("t1"));
        assert!(matches!(cell.read(at(0)).1, Freshness::Missing));
    }
}
