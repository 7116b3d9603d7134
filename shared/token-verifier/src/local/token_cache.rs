use std::sync::Arc;

use flow_events::{Check, Event, Rule, emit};
use quick_cache::{Weighter, sync::Cache};

use crate::{VerifiedToken, token_hash::TokenHash};

/// Tokens that passed every check, so that a signature is checked once and not at every call.
#[derive(Debug)]
pub(super) struct VerifiedTokenCache(Cache<TokenHash, Entry, BySize>);

/// Under what a remembered token is still good.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) token: Arc<VerifiedToken>,
    /// The later of `nbf` and `iat`: a clock that was set back makes them count again.
    pub(super) begins_at: i64,
    /// The keys that it was verified with.
    pub(super) generation: u64,
}

/// A token with so many bytes of claims counts as one more.
const USUAL_SIZE: usize = 1_024;

#[derive(Clone, Debug)]
struct BySize;

impl Weighter<TokenHash, Entry> for BySize {
    fn weight(&self, _: &TokenHash, entry: &Entry) -> u64 {
        u64::try_from(1 + entry.token.size() / USUAL_SIZE).unwrap_or(u64::MAX)
    }
}

impl VerifiedTokenCache {
    /// Room for `capacity` tokens of usual size; a big one takes the room of several.
    pub(super) fn new(capacity: u64) -> Self {
        Self(Cache::with_weighter(
            usize::try_from(capacity).unwrap_or(usize::MAX),
            capacity,
            BySize,
        ))
    }

    /// A token that is still good at `now`, and was verified with the keys that still count.
    pub(super) fn get(
        &self,
        hash: &TokenHash,
        now: i64,
        leeway: i64,
        generation: u64,
    ) -> Option<Arc<VerifiedToken>> {
        let entry = self.0.get(hash)?;
        let expires_at = entry.token.expires_at();
        let begun = entry.begins_at.saturating_sub(leeway) <= now;
        let ended = expires_at.saturating_add(leeway) <= now;
        if !begun || ended || entry.generation != generation {
            self.0.remove(hash);
            return None;
        }
        emit(|| {
            let found = format!("verified before, exp {expires_at} (now {now})");
            let expected = "the very same token, not expired, under the same keys".to_owned();
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
    use oauth_types::{AccessToken, AccessTokenClaims, Audience, Scope};

    use super::*;

    fn hash(name: usize) -> TokenHash {
        TokenHash::of(&AccessToken::new(name.to_string()))
    }

    fn entry(jti: &str) -> Entry {
        let claims = AccessTokenClaims {
            iss: "c".to_owned(),
            sub: "a".to_owned(),
            aud: Audience::new(["b"]),
            exp: 100,
            iat: 50,
            nbf: None,
            jti: jti.to_owned(),
            client_id: "a".to_owned(),
            scope: Scope::empty(),
            act: None,
        };
        Entry { token: Arc::new(VerifiedToken::from_claims(claims)), begins_at: 50, generation: 1 }
    }

    #[test]
    fn a_token_is_remembered_while_its_time_and_its_keys_last() {
        let remembered = VerifiedTokenCache::new(10);
        for (now, generation, good) in [
            (50, 1, true),
            (45, 1, true),
            (44, 1, false),
            (104, 1, true),
            (105, 1, false),
            (50, 2, false),
        ] {
            remembered.insert(hash(1), entry("t"));
            assert_eq!(
                remembered.get(&hash(1), now, 5, generation).is_some(),
                good,
                "now {now}, keys {generation}"
            );
        }
    }

    #[test]
    fn memory_is_bounded_and_a_big_token_takes_more_of_it() {
        for (jti, at_most) in [("t".to_owned(), 100), ("t".repeat(9 * USUAL_SIZE), 10)] {
            let remembered = VerifiedTokenCache::new(100);
            (0..1_000).for_each(|name| remembered.insert(hash(name), entry(&jti)));
            let kept = remembered.0.len();
            assert!((1..=at_most).contains(&kept), "{kept}");
        }
    }
}
