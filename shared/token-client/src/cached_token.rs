use std::time::Duration;

use oauth_types::{AccessToken, Scope, TokenResponse};

/// A token is cached for at most one day, whatever its `expires_in`.
const MAX_TTL_SECONDS: i64 = 24 * 60 * 60;

/// A cached access token.
#[derive(Debug)]
pub struct CachedToken {
    /// The access token.
    pub access_token: AccessToken,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
    /// The granted scope, which may be smaller than the requested one.
    pub scope: Scope,
    refresh_at: i64,
}

impl CachedToken {
    /// Creates the entry for a token response. `expires_in` counts from when the request was sent,
    /// so that the token expires here no later than at its issuer.
    pub(crate) fn new(
        response: TokenResponse,
        requested: &Scope,
        sent_at: i64,
        default_ttl: Duration,
    ) -> Self {
        let seconds = response.expires_in.unwrap_or(default_ttl.as_secs());
        let ttl = i64::try_from(seconds).unwrap_or(i64::MAX).min(MAX_TTL_SECONDS);
        let expires_at = sent_at.saturating_add(ttl);
        Self {
            access_token: response.access_token,
            expires_at,
            // If it is absent, the requested scope was granted (RFC 6749 §5.1).
            scope: response.scope.unwrap_or_else(|| requested.clone()),
            refresh_at: expires_at.saturating_sub(refresh_window(ttl)),
        }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        now >= self.expires_at
    }

    pub(crate) fn needs_refresh(&self, now: i64) -> bool {
        now >= self.refresh_at
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.access_token.expose() == other.access_token.expose()
    }
}

/// Returns how many seconds before its expiry a token is refreshed: a fifth of its lifetime, at
/// least 30 seconds (but not more than half of the lifetime) and at most 5 minutes.
fn refresh_window(ttl: i64) -> i64 {
    (ttl / 5).clamp(30, 300).min(ttl / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: Option<u64>) -> CachedToken {
        let response = TokenResponse::bearer(AccessToken::new("x"), expires_in, None);
        CachedToken::new(response, &"a b".parse().unwrap(), 1_000, Duration::from_secs(60))
    }

    #[test]
    fn refresh_window_is_a_bounded_fifth_of_the_lifetime() {
        let windows = [1, 10, 60, 100, 600, 1_800, 86_400].map(refresh_window);
        assert_eq!(windows, [0, 5, 30, 30, 120, 300, 300]);
    }

    #[test]
    fn token_is_expired_at_its_expiry_time() {
        let token = token(Some(600));
        assert!(!token.needs_refresh(1_479) && token.needs_refresh(1_480));
        assert!(!token.is_expired(1_599) && token.is_expired(1_600));
    }

    #[test]
    fn token_without_expires_in_gets_the_default_ttl() {
        assert_eq!(token(None).expires_at, 1_060);
    }

    #[test]
    fn ttl_is_limited_to_one_day() {
        for absurd in [u64::MAX, i64::MAX.unsigned_abs(), 1 << 40] {
            assert_eq!(token(Some(absurd)).expires_at, 1_000 + MAX_TTL_SECONDS);
        }
    }

    #[test]
    fn absent_scope_defaults_to_the_requested_scope() {
        assert_eq!(token(None).scope.to_string(), "a b");
    }
}
