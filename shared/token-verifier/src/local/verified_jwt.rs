//! A verified JWT in the cache, and how long it stays valid.

use std::sync::Arc;

use flow_events::{Check, Rule};

use crate::{token_cache::Entry, verified_token::VerifiedToken};

#[derive(Clone, Debug)]
pub(super) struct VerifiedJwt {
    pub(super) token: Arc<VerifiedToken>,
    /// The later of `nbf` and `iat`, which matter again if the clock is set back.
    pub(super) not_before: i64,
    /// The generation of the keys with which it was verified.
    pub(super) generation: u64,
}

/// What a cached JWT is compared with. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    pub(super) now: i64,
    pub(super) leeway: i64,
    /// The generation of the current keys.
    pub(super) generation: u64,
}

impl Entry for VerifiedJwt {
    type Now = Present;

    fn is_fresh(&self, Present { now, leeway, generation }: Present) -> bool {
        let started = self.not_before.saturating_sub(leeway) <= now;
        let expired = self.token.expires_at().saturating_add(leeway) <= now;
        started && !expired && self.generation == generation
    }

    fn token(&self) -> Option<&VerifiedToken> {
        Some(&self.token)
    }

    fn hit(&self, Present { now, .. }: Present) -> Check {
        let found = format!("cached result, exp {} (now {now})", self.token.expires_at());
        let expected = "the same token, not expired, verified with the current keys".to_owned();
        Check { rule: Rule::Cached, passed: true, expected, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scope_claims::ScopeClaims, token_claims::TokenClaims};

    #[test]
    fn token_is_cached_until_expiry_or_key_change() {
        let claims = TokenClaims::read([].into_iter().collect(), &ScopeClaims::default()).unwrap();
        let token = Arc::new(VerifiedToken::new(claims, 100));
        let cached = VerifiedJwt { token, not_before: 50, generation: 1 };
        for (now, generation, fresh) in [
            (50, 1, true),
            (45, 1, true),
            (44, 1, false),
            (104, 1, true),
            (105, 1, false),
            (50, 2, false),
        ] {
            let present = Present { now, leeway: 5, generation };
            assert_eq!(cached.is_fresh(present), fresh, "{present:?}");
        }
    }
}
