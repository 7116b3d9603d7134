use std::time::Duration;

use oauth_types::{AccessToken, Scope, TokenResponse};

/// No token is kept for longer, whatever it says of itself.
const MAX_TTL_SECONDS: i64 = 24 * 60 * 60;

/// A token in the cache.
#[derive(Debug)]
pub struct CachedToken {
    /// The token itself.
    pub access_token: AccessToken,
    /// From this second since 1970 on it is void.
    pub expires_at: i64,
    /// What it allows: less than was asked for, if the authorization server decided so.
    pub scope: Scope,
    refresh_at: i64,
}

impl CachedToken {
    /// The life is counted from when the request left, so that we never hold a token for good after
    /// its issuer does not.
    pub(crate) fn new(
        granted: TokenResponse,
        asked: &Scope,
        sent_at: i64,
        default_ttl: Duration,
    ) -> Self {
        let seconds = granted.expires_in.unwrap_or(default_ttl.as_secs());
        let life = i64::try_from(seconds).unwrap_or(i64::MAX).min(MAX_TTL_SECONDS);
        let expires_at = sent_at.saturating_add(life);
        Self {
            access_token: granted.access_token,
            expires_at,
            // Left out, it is what was asked for (RFC 6749 §5.1).
            scope: granted.scope.unwrap_or_else(|| asked.clone()),
            refresh_at: expires_at.saturating_sub(window(life)),
        }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        now >= self.expires_at
    }

    /// Is it time to fetch the next one?
    pub(crate) fn needs_refresh(&self, now: i64) -> bool {
        now >= self.refresh_at
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.access_token.expose() == other.access_token.expose()
    }
}

/// How long before its expiry the next token is fetched: a fifth of the life, at least half a
/// minute where the life allows, at most five minutes.
fn window(life: i64) -> i64 {
    (life / 5).clamp(30, 300).min(life / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: Option<u64>) -> CachedToken {
        let access_token = AccessToken::new("x");
        let granted = TokenResponse::bearer(access_token, expires_in, None);
        CachedToken::new(granted, &"a b".parse().unwrap(), 1_000, Duration::from_secs(60))
    }

    #[test]
    fn the_window_is_a_fifth_of_the_life_within_bounds() {
        let windows = [1, 10, 60, 100, 600, 1_800, 86_400].map(window);
        assert_eq!(windows, [0, 5, 30, 30, 120, 300, 300]);
    }

    #[test]
    fn a_token_is_void_in_the_second_in_which_it_expires() {
        let token = token(Some(600));
        assert!(!token.needs_refresh(1_479) && token.needs_refresh(1_480));
        assert!(!token.is_expired(1_599) && token.is_expired(1_600));
    }

    #[test]
    fn a_token_that_does_not_tell_its_life_is_given_a_short_one() {
        assert_eq!(token(None).expires_at, 1_060);
    }

    #[test]
    fn an_absurd_life_is_cut_to_a_day() {
        for absurd in [u64::MAX, i64::MAX.unsigned_abs(), 1 << 40] {
            assert_eq!(token(Some(absurd)).expires_at, 1_000 + MAX_TTL_SECONDS);
        }
    }

    #[test]
    fn a_scope_left_out_is_the_one_asked_for() {
        assert_eq!(token(None).scope.to_string(), "a b");
    }
}
