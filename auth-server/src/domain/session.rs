use super::TokenHash;

/// A browser in which a user has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie's value: the database holds nothing that a browser could show.
    pub hash: TokenHash,
    /// The session's public name: in ID tokens, and in the news that it has ended.
    pub sid: String,
    pub sub: String,
    /// When the password was shown.
    pub auth_time: i64,
    /// When the browser was seen last, to the minute.
    pub last_seen: i64,
    pub address: String,
    pub user_agent: String,
}

/// A client has to be told that a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotification {
    pub sid: String,
    pub sub: String,
    pub client_id: String,
}

/// How long a session lives, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct SessionTtl {
    /// Without a visit.
    pub idle: i64,
    /// In any case.
    pub absolute: i64,
}

/// `last_seen` is not written more often than that.
const TOUCH_SECONDS: i64 = 60;

impl Session {
    pub fn is_live(&self, now: i64, life: SessionTtl) -> bool {
        now < self.last_seen + life.idle + TOUCH_SECONDS && now < self.auth_time + life.absolute
    }

    pub fn needs_touch(&self, now: i64) -> bool {
        now >= self.last_seen + TOUCH_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_without_visits_and_in_any_case() {
        let session = |auth_time, last_seen| Session {
            hash: TokenHash([0; 32]),
            sid: String::new(),
            sub: String::new(),
            auth_time,
            last_seen,
            address: String::new(),
            user_agent: String::new(),
        };
        let life = SessionTtl { idle: 1_000, absolute: 5_000 };
        assert!(session(0, 0).is_live(1_059, life) && !session(0, 0).is_live(1_060, life));
        assert!(session(0, 4_900).is_live(4_999, life) && !session(0, 4_900).is_live(5_000, life));
        assert!(!session(0, 0).needs_touch(59) && session(0, 0).needs_touch(60));
    }
}
