use std::sync::Arc;

use flow_events::{Check, Event, Rule, emit};
use quick_cache::{Weighter, sync::Cache};

use crate::{token_hash::TokenHash, verified_token::VerifiedToken};

/// Cache of verified tokens, so that a signature is verified once and not with every request.
#[derive(Debug)]
pub(super) struct VerifiedTokenCache(Cache<TokenHash, Entry, BySize>);

/// A verified token, and the conditions under which it stays valid.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) token: Arc<VerifiedToken>,
    /// The later of `nbf` and `iat`, which matter again if the clock is set back.
    pub(super) not_before: i64,
    /// The generation of the keys with which it was verified.
    pub(super) generation: u64,
}

#[derive(Clone, Debug)]
struct BySize;

impl Weighter<TokenHash, Entry> for BySize {
    fn weight(&self, _: &TokenHash, entry: &Entry) -> u64 {
        entry.token.cache_weight()
    }
}

impl VerifiedTokenCache {
    /// Creates a cache for `capacity` tokens of normal size. A large token counts as several.
    pub(super) fn new(capacity: u64) -> Self {
        Self(Cache::with_weighter(
            usize::try_from(capacity).unwrap_or(usize::MAX),
            capacity,
            BySize,
        ))
    }

    /// Returns the token if it is valid at `now` and was verified with the current keys.
    pub(super) fn get(
        &self,
        hash: &TokenHash,
        now: i64,
        leeway: i64,
        generation: u64,
    ) -> Option<Arc<VerifiedToken>> {
        let entry = self.0.get(hash)?;
        let expires_at = entry.token.expires_at();
        let started = entry.not_before.saturating_sub(leeway) <= now;
        let expired = expires_at.saturating_add(leeway) <= now;
        if !started || expired || entry.generation != generation {
            self.0.remove(hash);
            return None;
        }
        emit(|| {
            let found = format!("cached result, exp {expires_at} (now {now})");
            let expected = "the same token, not expired, verified with the current keys".to_owned();
            Event::TokenChecked(Check { rule: Rule::Cached, passed: true, expected, found })
        });
        Some(entry.token)
    }

    pub(super) fn insert(&self, hash: TokenHash, entry: Entry) {
        self.0.insert(hash, entry);
    }
}

#[cfg(test)]
mod tests {
    use oauth_types::AccessToken;
    use serde_json::json;

    use super::*;
    use crate::{
        scope_claims::ScopeClaims, token_claims::TokenClaims, verified_token::NORMAL_SIZE,
    };

    fn hash(name: usize) -> TokenHash {
        TokenHash::of(&AccessToken::new(name.to_string()))
    }

    fn entry(jti: &str) -> Entry {
        let claims = [("jti".to_owned(), json!(jti))].into_iter().collect();
        let claims = TokenClaims::read(claims, &ScopeClaims::default()).unwrap();
        Entry { token: Arc::new(VerifiedToken::new(claims, 100)), not_before: 50, generation: 1 }
    }

    #[test]
    fn token_is_cached_until_expiry_or_key_change() {
        let cache = VerifiedTokenCache::new(10);
        for (now, generation, cached) in [
            (50, 1, true),
            (45, 1, true),
            (44, 1, false),
            (104, 1, true),
            (105, 1, false),
            (50, 2, false),
        ] {
            cache.insert(hash(1), entry("t"));
            assert_eq!(
                cache.get(&hash(1), now, 5, generation).is_some(),
                cached,
                "now {now}, keys {generation}"
            );
        }
    }

    #[test]
    fn cache_capacity_is_bounded_by_token_size() {
        for (jti, at_most) in [("t".to_owned(), 100), ("t".repeat(9 * NORMAL_SIZE), 10)] {
            let cache = VerifiedTokenCache::new(100);
            (0..1_000).for_each(|name| cache.insert(hash(name), entry(&jti)));
            let len = cache.0.len();
            assert!((1..=at_most).contains(&len), "{len}");
        }
    }
}
