use super::TokenHash;

/// The session of a signed-in user in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie value.
    pub hash: TokenHash,
    /// Public session id, in ID tokens and logout tokens.
    pub sid: String,
    pub sub: String,
    /// When the user entered the password, in seconds since 1970.
    pub auth_time: i64,
    /// Last request, accurate to a minute, in seconds since 1970.
    pub last_seen: i64,
    pub address: String,
    pub user_agent: String,
}

/// A back-channel logout notification: tells a client that a session has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotification {
    pub sid: String,
    pub sub: String,
    pub client_id: String,
}

/// Lifetime of sessions, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct SessionTtl {
    /// Without a request.
    pub idle: i64,
    /// Since the sign-in.
    pub absolute: i64,
}

/// Minimum time between two updates of `last_seen`.
const TOUCH_SECONDS: i64 = 60;

impl Session {
    pub fn is_live(&self, now: i64, ttl: SessionTtl) -> bool {
        now < self.last_seen + ttl.idle + TOUCH_SECONDS && now < self.auth_time + ttl.absolute
    }

    pub fn needs_touch(&self, now: i64) -> bool {
        now >= self.last_seen + TOUCH_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ends_at_the_idle_and_absolute_timeout() {
        let session = |auth_time, last_seen| Session {
            hash: TokenHash([0; 32]),
            sid: String::new(),
            sub: String::new(),
            auth_time,
            last_seen,
            address: String::new(),
            user_agent: String::new(),
        };
        let ttl = SessionTtl { idle: 1_000, absolute: 5_000 };
        assert!(session(0, 0).is_live(1_059, ttl) && !session(0, 0).is_live(1_060, ttl));
        assert!(session(0, 4_900).is_live(4_999, ttl) && !session(0, 4_900).is_live(5_000, ttl));
        assert!(!session(0, 0).needs_touch(59) && session(0, 0).needs_touch(60));
    }
}
