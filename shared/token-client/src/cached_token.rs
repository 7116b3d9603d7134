use std::time::Duration;

use oauth_types::{AccessToken, Scope, TokenResponse};

/// A token is cached for at most one day, whatever its `expires_in`.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// A cached access token.
#[derive(Debug)]
pub struct CachedToken {
    /// The access token.
    pub access_token: AccessToken,
    /// When it expires, in seconds since 1970, by the clock at the time of the request. The cache
    /// does not use it, because the clock can be set back.
    pub expires_at: i64,
    /// The granted scope, which may be smaller than the requested one.
    pub scope: Scope,
    /// Uptimes of the clock, which never goes back.
    fresh_until: Duration,
    refresh_at: Duration,
}

/// When a token request was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentAt {
    /// In seconds since 1970.
    pub(crate) unix: i64,
    pub(crate) uptime: Duration,
}

impl CachedToken {
    /// Creates the entry for a token response. `expires_in` counts from when the request was sent,
    /// so that the token expires here no later than at its issuer.
    pub(crate) fn new(
        response: TokenResponse,
        requested: &Scope,
        sent_at: SentAt,
        default_ttl: Duration,
    ) -> Self {
        let ttl = response.expires_in.map_or(default_ttl, Duration::from_secs).min(MAX_TTL);
        Self {
            access_token: response.access_token,
            expires_at: sent_at.unix.saturating_add_unsigned(ttl.as_secs()),
            // If it is absent, the requested scope was granted (RFC 6749 §5.1).
            scope: response.scope.unwrap_or_else(|| requested.clone()),
            fresh_until: sent_at.uptime + ttl,
            refresh_at: sent_at.uptime + ttl.saturating_sub(refresh_window(ttl)),
        }
    }

    /// Returns the uptime at which it expires.
    pub(crate) fn fresh_until(&self) -> Duration {
        self.fresh_until
    }

    pub(crate) fn is_expired(&self, uptime: Duration) -> bool {
        uptime >= self.fresh_until
    }

    pub(crate) fn needs_refresh(&self, uptime: Duration) -> bool {
        uptime >= self.refresh_at
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.access_token.expose() == other.access_token.expose()
    }
}

/// Returns how long before its expiry a token is refreshed: a fifth of its lifetime, at least 30
/// seconds (but not more than half of the lifetime) and at most 5 minutes.
fn refresh_window(ttl: Duration) -> Duration {
    (ttl / 5).clamp(Duration::from_secs(30), Duration::from_secs(300)).min(ttl / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPTIME: Duration = Duration::from_secs(7);

    fn token(expires_in: Option<u64>) -> CachedToken {
        let response = TokenResponse::bearer(AccessToken::new("x"), expires_in, None);
        let sent_at = SentAt { unix: 1_000, uptime: UPTIME };
        CachedToken::new(response, &"a b".parse().unwrap(), sent_at, Duration::from_secs(60))
    }

    fn after(seconds: u64) -> Duration {
        UPTIME + Duration::from_secs(seconds)
    }

    #[test]
    fn refresh_window_is_a_bounded_fifth_of_the_lifetime() {
        let windows = [2, 10, 60, 100, 600, 1_800, 86_400]
            .map(|ttl| refresh_window(Duration::from_secs(ttl)).as_secs());
        assert_eq!(windows, [1, 5, 30, 30, 120, 300, 300]);
    }

    #[test]
    fn token_is_expired_at_its_expiry_time() {
        let token = token(Some(600));
        assert!(!token.needs_refresh(after(479)) && token.needs_refresh(after(480)));
        assert!(!token.is_expired(after(599)) && token.is_expired(after(600)));
    }

    #[test]
    fn token_without_expires_in_gets_the_default_ttl() {
        assert_eq!((token(None).expires_at, token(None).fresh_until()), (1_060, after(60)));
    }

    #[test]
    fn ttl_is_limited_to_one_day() {
        for absurd in [u64::MAX, i64::MAX.unsigned_abs(), 1 << 40] {
            assert_eq!(token(Some(absurd)).fresh_until(), UPTIME + MAX_TTL);
        }
    }

    #[test]
    fn absent_scope_defaults_to_the_requested_scope() {
        assert_eq!(token(None).scope.to_string(), "a b");
    }
}
