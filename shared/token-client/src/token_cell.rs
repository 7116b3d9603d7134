use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{cached_token::CachedToken, error::TokenError};

pub(crate) type Outcome = Result<Arc<CachedToken>, TokenError>;

/// The place of one need: its token, and at most one request for the next.
///
/// Whoever holds the lock of `flight` is the one who fetches; a caller that is cancelled lets go of
/// it, and the next one takes over. Those who waited find that a flight has landed since they
/// looked, and share its outcome, failure included: a hundred callers must not become a hundred
/// requests to a server that has just failed.
#[derive(Default)]
pub(crate) struct TokenCell {
    token: ArcSwapOption<CachedToken>,
    flight: Arc<Mutex<Option<Outcome>>>,
    completions: AtomicU64,
    backoff_until: AtomicI64,
}

/// What a caller finds.
pub(crate) enum Freshness {
    /// A token to use.
    Fresh(Arc<CachedToken>),
    /// A token to use, while somebody fetches the next one.
    RefreshDue(Arc<CachedToken>),
    /// Nothing to use.
    Missing,
}

/// How many flights had landed when a caller looked.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u64);

/// The right, held by one at a time, to fetch the token.
pub(crate) type FetchPermit = OwnedMutexGuard<Option<Outcome>>;

impl TokenCell {
    /// The count comes before the look: in the other order a landing between them would be missed
    /// and flown again.
    pub(crate) fn look(&self, now: i64) -> (Seen, Freshness) {
        let seen = Seen(self.completions.load(Ordering::SeqCst));
        let freshness = match self.token.load_full() {
            Some(token) if token.is_expired(now) => Freshness::Missing,
            Some(token)
                if token.needs_refresh(now) && now >= self.backoff_until.load(Ordering::SeqCst) =>
            {
                Freshness::RefreshDue(token)
            }
            Some(token) => Freshness::Fresh(token),
            None => Freshness::Missing,
        };
        (seen, freshness)
    }

    /// Wait for the flight that is under way, or be the one who flies.
    pub(crate) async fn join(&self, seen: Seen, fetch: impl Future<Output = Outcome>) -> Outcome {
        let permit = Arc::clone(&self.flight).lock_owned().await;
        if let (true, Some(landed)) = (self.has_completed_since(seen), &*permit) {
            return landed.clone();
        }
        self.land(permit, fetch.await)
    }

    /// Be the one who flies, or nobody.
    pub(crate) fn try_acquire(&self, seen: Seen) -> Option<FetchPermit> {
        Arc::clone(&self.flight).try_lock_owned().ok().filter(|_| !self.has_completed_since(seen))
    }

    pub(crate) fn land(&self, mut permit: FetchPermit, outcome: Outcome) -> Outcome {
        if let Ok(token) = &outcome {
            self.token.store(Some(Arc::clone(token)));
        }
        *permit = Some(outcome.clone());
        self.completions.fetch_add(1, Ordering::SeqCst);
        outcome
    }

    /// Until then an ageing token counts as fresh: its next one could not be fetched a moment ago.
    pub(crate) fn back_off_until(&self, then: i64) {
        self.backoff_until.store(then, Ordering::SeqCst);
    }

    /// Compared and dropped in one step: a storm of refusals of the old token must not drop the new
    /// one.
    pub(crate) fn invalidate(&self, token: &CachedToken) {
        self.token
            .rcu(|current| current.as_ref().filter(|current| !current.is(token)).map(Arc::clone));
    }

    /// When there will be nothing left to lose here. A slot without a token counts as long past.
    pub(crate) fn expires_at(&self) -> i64 {
        self.token.load().as_ref().map_or(i64::MIN, |token| token.expires_at)
    }

    fn has_completed_since(&self, Seen(seen): Seen) -> bool {
        self.completions.load(Ordering::SeqCst) != seen
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oauth_types::{AccessToken, Scope, TokenResponse};

    use super::*;

    fn token(text: &str) -> Arc<CachedToken> {
        let access_token = AccessToken::new(text);
        let granted = TokenResponse::bearer(access_token, Some(600), None);
        Arc::new(CachedToken::new(granted, &Scope::empty(), 0, Duration::ZERO))
    }

    async fn cell_with_token() -> TokenCell {
        let cell = TokenCell::default();
        let (seen, _) = cell.look(0);
        cell.join(seen, async { Ok(token("t1")) }).await.unwrap();
        cell
    }

    #[tokio::test]
    async fn a_token_is_fresh_then_ageing_then_missing() {
        let cell = cell_with_token().await;
        assert!(matches!(cell.look(479).1, Freshness::Fresh(_)));
        assert!(matches!(cell.look(480).1, Freshness::RefreshDue(_)));
        assert!(matches!(cell.look(600).1, Freshness::Missing));
    }

    #[tokio::test]
    async fn in_quiet_time_nobody_fetches_ahead_but_an_expired_token_is_missing_all_the_same() {
        let cell = cell_with_token().await;
        cell.back_off_until(500);
        assert!(matches!(cell.look(499).1, Freshness::Fresh(_)));
        assert!(matches!(cell.look(500).1, Freshness::RefreshDue(_)));
        cell.back_off_until(700);
        assert!(matches!(cell.look(600).1, Freshness::Missing));
    }

    #[tokio::test]
    async fn who_looked_before_a_landing_shares_it_and_does_not_fly_again() {
        let cell = cell_with_token().await;
        let (before, _) = cell.look(480);
        let permit = cell.try_acquire(before).unwrap();
        assert!(cell.try_acquire(before).is_none(), "one flies");
        cell.land(permit, Ok(token("t2"))).unwrap();
        assert!(cell.try_acquire(before).is_none());
        let shared = cell.join(before, async { panic!("flown again") }).await.unwrap();
        assert_eq!(shared.access_token.expose(), "t2");
    }

    #[tokio::test]
    async fn forgetting_an_old_token_leaves_the_new_one() {
        let cell = cell_with_token().await;
        cell.invalidate(&token("t0"));
        assert!(matches!(cell.look(0).1, Freshness::Fresh(_)));
        cell.invalidate(&token("t1"));
        assert!(matches!(cell.look(0).1, Freshness::Missing));
    }
}
