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
pub(crate) struct Slot {
    token: ArcSwapOption<CachedToken>,
    flight: Arc<Mutex<Option<Outcome>>>,
    landings: AtomicU64,
    quiet_until: AtomicI64,
}

/// What a caller finds.
pub(crate) enum Standing {
    /// A token to use.
    Fresh(Arc<CachedToken>),
    /// A token to use, while somebody fetches the next one.
    Ageing(Arc<CachedToken>),
    /// Nothing to use.
    Missing,
}

/// How many flights had landed when a caller looked.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u64);

/// The right, held by one at a time, to fetch the token.
pub(crate) type Seat = OwnedMutexGuard<Option<Outcome>>;

impl Slot {
    /// The count comes before the look: in the other order a landing between them would be missed
    /// and flown again.
    pub(crate) fn look(&self, now: i64) -> (Seen, Standing) {
        let seen = Seen(self.landings.load(Ordering::SeqCst));
        let standing = match self.token.load_full() {
            Some(token) if token.is_void(now) => Standing::Missing,
            Some(token)
                if token.is_ageing(now) && now >= self.quiet_until.load(Ordering::SeqCst) =>
            {
                Standing::Ageing(token)
            }
            Some(token) => Standing::Fresh(token),
            None => Standing::Missing,
        };
        (seen, standing)
    }

    /// Wait for the flight that is under way, or be the one who flies.
    pub(crate) async fn join(&self, seen: Seen, fetch: impl Future<Output = Outcome>) -> Outcome {
        let seat = Arc::clone(&self.flight).lock_owned().await;
        if let (true, Some(landed)) = (self.has_landed_since(seen), &*seat) {
            return landed.clone();
        }
        self.land(seat, fetch.await)
    }

    /// Be the one who flies, or nobody.
    pub(crate) fn try_seat(&self, seen: Seen) -> Option<Seat> {
        Arc::clone(&self.flight).try_lock_owned().ok().filter(|_| !self.has_landed_since(seen))
    }

    pub(crate) fn land(&self, mut seat: Seat, outcome: Outcome) -> Outcome {
        if let Ok(token) = &outcome {
            self.token.store(Some(Arc::clone(token)));
        }
        *seat = Some(outcome.clone());
        self.landings.fetch_add(1, Ordering::SeqCst);
        outcome
    }

    /// Until then an ageing token counts as fresh: its next one could not be fetched a moment ago.
    pub(crate) fn keep_quiet_until(&self, then: i64) {
        self.quiet_until.store(then, Ordering::SeqCst);
    }

    /// Compared and dropped in one step: a storm of refusals of the old token must not drop the new
    /// one.
    pub(crate) fn forget(&self, token: &CachedToken) {
        self.token
            .rcu(|current| current.as_ref().filter(|current| !current.is(token)).map(Arc::clone));
    }

    /// When there will be nothing left to lose here. A slot without a token counts as long past.
    pub(crate) fn expires_at(&self) -> i64 {
        self.token.load().as_ref().map_or(i64::MIN, |token| token.expires_at)
    }

    fn has_landed_since(&self, Seen(seen): Seen) -> bool {
        self.landings.load(Ordering::SeqCst) != seen
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

    async fn slot_with_token() -> Slot {
        let slot = Slot::default();
        let (seen, _) = slot.look(0);
        slot.join(seen, async { Ok(token("t1")) }).await.unwrap();
        slot
    }

    #[tokio::test]
    async fn a_token_is_fresh_then_ageing_then_missing() {
        let slot = slot_with_token().await;
        assert!(matches!(slot.look(479).1, Standing::Fresh(_)));
        assert!(matches!(slot.look(480).1, Standing::Ageing(_)));
        assert!(matches!(slot.look(600).1, Standing::Missing));
    }

    #[tokio::test]
    async fn in_quiet_time_nobody_fetches_ahead_but_an_expired_token_is_missing_all_the_same() {
        let slot = slot_with_token().await;
        slot.keep_quiet_until(500);
        assert!(matches!(slot.look(499).1, Standing::Fresh(_)));
        assert!(matches!(slot.look(500).1, Standing::Ageing(_)));
        slot.keep_quiet_until(700);
        assert!(matches!(slot.look(600).1, Standing::Missing));
    }

    #[tokio::test]
    async fn who_looked_before_a_landing_shares_it_and_does_not_fly_again() {
        let slot = slot_with_token().await;
        let (before, _) = slot.look(480);
        let seat = slot.try_seat(before).unwrap();
        assert!(slot.try_seat(before).is_none(), "one flies");
        slot.land(seat, Ok(token("t2"))).unwrap();
        assert!(slot.try_seat(before).is_none());
        let shared = slot.join(before, async { panic!("flown again") }).await.unwrap();
        assert_eq!(shared.token.expose(), "t2");
    }

    #[tokio::test]
    async fn forgetting_an_old_token_leaves_the_new_one() {
        let slot = slot_with_token().await;
        slot.forget(&token("t0"));
        assert!(matches!(slot.look(0).1, Standing::Fresh(_)));
        slot.forget(&token("t1"));
        assert!(matches!(slot.look(0).1, Standing::Missing));
    }
}
