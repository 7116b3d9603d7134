use claims::ErrorCode;

use super::Session;

/// What has to happen before a client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    SignIn,
    AskConsent,
    /// The user has said yes, now or before.
    Allow,
    /// No page may be shown, and one would have to be.
    Refuse(ErrorCode),
}

/// All that the next step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    pub session: Option<&'a Session>,
    /// No page may be shown (`prompt=none`).
    pub silent: bool,
    /// The password has to be shown for this very request (`prompt=login`).
    pub wants_login: bool,
    /// The account has to be chosen for this very request (`prompt=select_account`).
    pub wants_choice: bool,
    pub max_age: Option<i64>,
    /// The session's user is the one who is hinted at, or nobody is.
    pub is_hinted: bool,
    /// All that is asked was allowed, now or before, or needs no asking.
    pub is_allowed: bool,
    /// The user has just come from the sign-in page.
    pub after_sign_in: bool,
    pub now: i64,
}

/// For so long after the password was shown, a request that wants it shown counts as satisfied: the time to read the
/// consent page.
const RECENT_SECONDS: i64 = 600;

/// Decide what comes next (OpenID Connect Core §3.1.2.3, §3.1.2.4).
pub fn next_step(situation: &Situation<'_>) -> NextStep {
    if !is_signed_in(situation) {
        return if situation.silent { NextStep::Refuse(ErrorCode::LoginRequired) } else { NextStep::SignIn };
    }
    if !situation.is_allowed {
        return if situation.silent { NextStep::Refuse(ErrorCode::ConsentRequired) } else { NextStep::AskConsent };
    }
    NextStep::Allow
}

fn is_signed_in(situation: &Situation<'_>) -> bool {
    let Some(session) = situation.session else { return false };
    let age = situation.now - session.auth_time;
    let just_now = situation.after_sign_in && age <= RECENT_SECONDS;
    let young_enough = situation.max_age.is_none_or(|max| age <= max) || just_now;
    let shown = !situation.wants_login || just_now;
    let chosen = !situation.wants_choice || situation.after_sign_in;
    situation.is_hinted && young_enough && shown && chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TokenHash;

    fn session() -> Session {
        Session {
            hash: TokenHash([0; 32]),
            sid: "s".to_owned(),
            sub: "alice".to_owned(),
            auth_time: 1_000,
            last_seen: 1_000,
            address: String::new(),
            user_agent: String::new(),
        }
    }

    fn situation(session: Option<&Session>) -> Situation<'_> {
        Situation {
            session,
            silent: false,
            wants_login: false,
            wants_choice: false,
            max_age: None,
            is_hinted: true,
            is_allowed: true,
            after_sign_in: false,
            now: 2_000,
        }
    }

    #[test]
    fn whoever_is_signed_in_and_has_said_yes_is_not_asked_again() {
        assert_eq!(next_step(&situation(Some(&session()))), NextStep::Allow);
        assert_eq!(next_step(&situation(None)), NextStep::SignIn);
        assert_eq!(next_step(&Situation { is_allowed: false, ..situation(Some(&session())) }), NextStep::AskConsent);
    }

    #[test]
    fn a_silent_request_shows_no_page_ever() {
        let silent = |session| Situation { silent: true, ..situation(session) };
        assert_eq!(next_step(&silent(None)), NextStep::Refuse(ErrorCode::LoginRequired));
        let session = session();
        assert_eq!(next_step(&silent(Some(&session))), NextStep::Allow);
        let unasked = Situation { is_allowed: false, ..silent(Some(&session)) };
        assert_eq!(next_step(&unasked), NextStep::Refuse(ErrorCode::ConsentRequired));
        let old = Situation { max_age: Some(999), ..silent(Some(&session)) };
        assert_eq!(next_step(&old), NextStep::Refuse(ErrorCode::LoginRequired));
        let other = Situation { is_hinted: false, ..silent(Some(&session)) };
        assert_eq!(next_step(&other), NextStep::Refuse(ErrorCode::LoginRequired));
    }

    #[test]
    fn what_is_to_be_done_anew_is_done_anew_and_once() {
        let session = session();
        let now = |now, after_sign_in| Situation { now, after_sign_in, ..situation(Some(&session)) };
        let login = |now_, after| next_step(&Situation { wants_login: true, ..now(now_, after) });
        assert_eq!(login(1_000, false), NextStep::SignIn);
        assert_eq!(login(1_600, true), NextStep::Allow);
        assert_eq!(login(1_601, true), NextStep::SignIn, "a session that was there before is no new sign-in");
        let choice = |after| next_step(&Situation { wants_choice: true, ..now(9_000, after) });
        assert_eq!((choice(false), choice(true)), (NextStep::SignIn, NextStep::Allow));
        let aged = |now_, after| next_step(&Situation { max_age: Some(10), ..now(now_, after) });
        assert_eq!((aged(1_010, false), aged(1_011, false)), (NextStep::Allow, NextStep::SignIn));
        assert_eq!((aged(1_600, true), aged(1_601, true)), (NextStep::Allow, NextStep::SignIn));
    }
}
