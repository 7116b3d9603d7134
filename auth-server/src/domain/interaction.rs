use oauth_types::ErrorCode;

use super::Session;

/// The next step of an authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    SignIn,
    AskConsent,
    /// The user has allowed the request, now or before.
    Allow,
    /// `prompt=none`, but a page would be needed.
    Reject(ErrorCode),
    /// Another user signed in than the one of the `id_token_hint` or of `claims`.
    RejectOtherUser,
}

/// Input of [`next_step`].
#[derive(Clone, Copy, Debug)]
pub struct InteractionContext<'a> {
    pub session: Option<&'a Session>,
    /// `prompt=none`: no page can be shown.
    pub silent: bool,
    /// `prompt=login`: the password must be entered for this request.
    pub wants_login: bool,
    /// `prompt=select_account`: the account must be chosen for this request.
    pub wants_choice: bool,
    pub max_age: Option<i64>,
    /// The session's user is the one of the `id_token_hint` and of `claims`, if they name one.
    pub is_hinted: bool,
    /// The request is covered by a consent, or needs none.
    pub is_allowed: bool,
    pub done: InteractionProgress,
    pub now: i64,
}

/// What the user has done for this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionProgress {
    Nothing,
    /// Chosen to continue with the current account, which proves nothing.
    Chosen,
    /// Entered the password.
    SignedIn,
    /// Completed all sign-in steps, before the consent page.
    All,
}

/// Decides the next step (OpenID Connect Core §3.1.2.3, §3.1.2.4).
pub fn next_step(context: &InteractionContext<'_>) -> NextStep {
    // The user has chosen another account. Asking again would loop, so the client gets an error
    // (§3.1.2.1, `id_token_hint`).
    if context.session.is_some()
        && !context.is_hinted
        && context.done != InteractionProgress::Nothing
    {
        return NextStep::RejectOtherUser;
    }
    if !is_signed_in(context) {
        return if context.silent {
            NextStep::Reject(ErrorCode::LoginRequired)
        } else {
            NextStep::SignIn
        };
    }
    if !context.is_allowed {
        return if context.silent {
            NextStep::Reject(ErrorCode::ConsentRequired)
        } else {
            NextStep::AskConsent
        };
    }
    NextStep::Allow
}

fn is_signed_in(context: &InteractionContext<'_>) -> bool {
    let Some(session) = context.session else { return false };
    // With `max_age=0` only a password entered for this request is recent enough (§3.1.2.1).
    let young_enough =
        context.max_age.is_none_or(|max| max > 0 && context.now - session.auth_time <= max);
    let session_suffices = young_enough && !context.wants_login;
    context.is_hinted
        && match context.done {
            InteractionProgress::Nothing => session_suffices && !context.wants_choice,
            InteractionProgress::Chosen => session_suffices,
            InteractionProgress::SignedIn | InteractionProgress::All => true,
        }
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

    fn context(session: Option<&Session>) -> InteractionContext<'_> {
        InteractionContext {
            session,
            silent: false,
            wants_login: false,
            wants_choice: false,
            max_age: None,
            is_hinted: true,
            is_allowed: true,
            done: InteractionProgress::Nothing,
            now: 2_000,
        }
    }

    #[test]
    fn signed_in_user_with_consent_is_not_asked_again() {
        assert_eq!(next_step(&context(Some(&session()))), NextStep::Allow);
        assert_eq!(next_step(&context(None)), NextStep::SignIn);
        assert_eq!(
            next_step(&InteractionContext { is_allowed: false, ..context(Some(&session())) }),
            NextStep::AskConsent
        );
    }

    #[test]
    fn prompt_none_never_shows_a_page() {
        let silent = |session| InteractionContext { silent: true, ..context(session) };
        assert_eq!(next_step(&silent(None)), NextStep::Reject(ErrorCode::LoginRequired));
        let session = session();
        assert_eq!(next_step(&silent(Some(&session))), NextStep::Allow);
        let unasked = InteractionContext { is_allowed: false, ..silent(Some(&session)) };
        assert_eq!(next_step(&unasked), NextStep::Reject(ErrorCode::ConsentRequired));
        let old = InteractionContext { max_age: Some(999), ..silent(Some(&session)) };
        assert_eq!(next_step(&old), NextStep::Reject(ErrorCode::LoginRequired));
        let other = InteractionContext { is_hinted: false, ..silent(Some(&session)) };
        assert_eq!(next_step(&other), NextStep::Reject(ErrorCode::LoginRequired));
    }

    #[test]
    fn prompted_interactions_are_performed_exactly_once() {
        let session = session();
        let step = |done| InteractionContext { done, ..context(Some(&session)) };
        let login =
            |done| next_step(&InteractionContext { wants_login: true, now: 1_000, ..step(done) });
        assert_eq!(
            [InteractionProgress::Nothing, InteractionProgress::Chosen].map(login),
            [NextStep::SignIn; 2],
            "prompt=login requires a new sign-in"
        );
        assert_eq!(
            [InteractionProgress::SignedIn, InteractionProgress::All].map(login),
            [NextStep::Allow; 2]
        );
        let choice =
            |done| next_step(&InteractionContext { wants_choice: true, now: 9_000, ..step(done) });
        assert_eq!(choice(InteractionProgress::Nothing), NextStep::SignIn);
        assert_eq!(
            [InteractionProgress::Chosen, InteractionProgress::SignedIn, InteractionProgress::All]
                .map(choice),
            [NextStep::Allow; 3]
        );
    }

    #[test]
    fn account_selection_does_not_renew_auth_time() {
        let session = session();
        let aged = |max_age, now, done| {
            next_step(&InteractionContext {
                max_age: Some(max_age),
                now,
                done,
                ..context(Some(&session))
            })
        };
        for done in [InteractionProgress::Nothing, InteractionProgress::Chosen] {
            assert_eq!(
                (aged(10, 1_010, done), aged(10, 1_011, done)),
                (NextStep::Allow, NextStep::SignIn)
            );
            assert_eq!(aged(0, 1_000, done), NextStep::SignIn, "0 is the same as prompt=login");
        }
        assert_eq!(
            (
                aged(0, 1_000, InteractionProgress::SignedIn),
                aged(10, 1_300, InteractionProgress::All)
            ),
            (NextStep::Allow, NextStep::Allow)
        );
    }

    #[test]
    fn user_other_than_the_hinted_one_is_asked_once() {
        let session = session();
        let other = |done| {
            next_step(&InteractionContext { is_hinted: false, done, ..context(Some(&session)) })
        };
        assert_eq!(other(InteractionProgress::Nothing), NextStep::SignIn);
        assert_eq!(
            [InteractionProgress::Chosen, InteractionProgress::SignedIn, InteractionProgress::All]
                .map(other),
            [NextStep::RejectOtherUser; 3]
        );
    }
}
