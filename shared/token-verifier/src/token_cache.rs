//! The cache of verified tokens, so that a token is verified once and not with every request. Local
//! verification and introspection differ only in what makes an entry stale.

#[cfg(feature = "introspection")]
use std::convert::Infallible;

use flow_events::{Check, Event, emit};
use quick_cache::{Weighter, sync::Cache};

use crate::{token_hash::TokenHash, verified_token::VerifiedToken};

/// What a cache holds about a token.
pub(crate) trait Entry: Clone {
    /// What tells whether an entry is fresh: the time, for example.
    type Now: Copy;

    fn is_fresh(&self, now: Self::Now) -> bool;

    /// Returns the token, or `None` if it was rejected.
    fn token(&self) -> Option<&VerifiedToken>;

    /// Describes the use of a fresh entry.
    fn hit(&self, now: Self::Now) -> Check;
}

#[derive(Debug)]
pub(crate) struct TokenCache<E>(Cache<TokenHash, E, BySize>);

#[derive(Clone, Debug)]
struct BySize;

impl<E: Entry> Weighter<TokenHash, E> for BySize {
    fn weight(&self, _: &TokenHash, entry: &E) -> u64 {
        entry.token().map_or(1, VerifiedToken::cache_weight)
    }
}

impl<E: Entry> TokenCache<E> {
    /// Creates a cache for `capacity` tokens of normal size. A large token counts as several.
    pub(crate) fn new(capacity: u64) -> Self {
        Self(Cache::with_weighter(
            usize::try_from(capacity).unwrap_or(usize::MAX),
            capacity,
            BySize,
        ))
    }

    /// Returns a fresh entry, and removes a stale one.
    pub(crate) fn get(&self, hash: &TokenHash, now: E::Now) -> Option<E> {
        let entry = self.0.get(hash)?;
        if !entry.is_fresh(now) {
            self.0.remove_if(hash, |entry| !entry.is_fresh(now));
            return None;
        }
        emit(|| Event::TokenChecked(entry.hit(now)));
        Some(entry)
    }

    pub(crate) fn insert(&self, hash: TokenHash, entry: E) {
        self.0.insert(hash, entry);
    }

    /// Returns a fresh entry, or the one that `verify` returns. One `verify` runs at a time for a
    /// token, however many callers present it. Those that wait share its entry, even a stale one:
    /// otherwise each would run into its own timeout, one after the other.
    #[cfg(feature = "introspection")]
    pub(crate) async fn get_or_insert(
        &self,
        hash: &TokenHash,
        now: E::Now,
        verify: impl Future<Output = E>,
    ) -> E {
        self.0.remove_if(hash, |entry| !entry.is_fresh(now));
        let mut verified = false;
        let verify = async {
            verified = true;
            Ok::<_, Infallible>(verify.await)
        };
        let Ok(entry) = self.0.get_or_insert_async(hash, verify).await;
        if !verified && entry.is_fresh(now) {
            emit(|| Event::TokenChecked(entry.hit(now)));
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use flow_events::Rule;
    use oauth_types::AccessToken;
    use serde_json::json;

    use super::*;
    use crate::{
        scope_claims::ScopeClaims, token_claims::TokenClaims, verified_token::NORMAL_SIZE,
    };

    /// Fresh until its time.
    #[derive(Clone)]
    struct Sample(Arc<VerifiedToken>);

    impl Entry for Sample {
        type Now = i64;

        fn is_fresh(&self, now: i64) -> bool {
            now < self.0.expires_at()
        }

        fn token(&self) -> Option<&VerifiedToken> {
            Some(&self.0)
        }

        fn hit(&self, _: i64) -> Check {
            let (expected, found) = (String::new(), String::new());
            Check { rule: Rule::Cached, passed: true, expected, found }
        }
    }

    fn hash(name: usize) -> TokenHash {
        TokenHash::of(&AccessToken::new(name.to_string()))
    }

    fn sample(jti: &str) -> Sample {
        let claims = [("jti".to_owned(), json!(jti))].into_iter().collect();
        let claims = TokenClaims::read(claims, &ScopeClaims::default()).unwrap();
        Sample(Arc::new(VerifiedToken::new(claims, 100)))
    }

    #[test]
    fn stale_entry_is_removed() {
        let cache = TokenCache::new(10);
        cache.insert(hash(1), sample("t"));
        assert!(cache.get(&hash(1), 99).is_some());
        assert!(cache.get(&hash(1), 100).is_none());
        assert_eq!(cache.0.len(), 0);
    }

    #[test]
    fn cache_capacity_is_bounded_by_token_size() {
        for (jti, at_most) in [("t".to_owned(), 100), ("t".repeat(9 * NORMAL_SIZE), 10)] {
            let cache = TokenCache::new(100);
            (0..1_000).for_each(|name| cache.insert(hash(name), sample(&jti)));
            let len = cache.0.len();
            assert!((1..=at_most).contains(&len), "{len}");
        }
    }
}
