//! Test suite for implementations of [`AccountStore`], races included. [`suite!`] takes a function
//! that creates an empty store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite fails by panicking")]

mod backchannel_logout;
mod email_addresses;
mod expiry;
mod failed_logins;
mod fixtures;
mod identities;
mod logins;
mod pending_logins;
mod sessions;

pub use backchannel_logout::*;
pub use email_addresses::*;
pub use expiry::*;
pub use failed_logins::*;
pub use identities::*;
pub use logins::*;
pub use pending_logins::*;
pub use sessions::*;

/// Defines one test per behavior, each with a new empty store.
#[macro_export]
macro_rules! accounts_conformance {
    ($empty_store:ident) => {
        $crate::accounts_conformance!($empty_store:
            pending_login_is_consumed_once_and_only_by_its_browser,
            concurrent_responses_consume_a_pending_login_once,
            oldest_pending_logins_of_a_network_are_deleted,
            first_login_creates_an_account_and_later_logins_find_it,
            concurrent_first_logins_of_one_identity_create_one_account,
            concurrent_first_logins_with_one_email_create_one_account,
            one_subject_at_two_issuers_is_two_accounts,
            each_login_updates_the_profile,
            email_does_not_log_in_to_the_account_of_another_provider,
            unverified_email_does_not_claim_an_account,
            later_login_does_not_take_over_the_email_of_another_account,
            concurrent_logins_give_an_email_to_one_account,
            concurrent_links_attach_an_identity_to_one_account,
            last_identity_cannot_be_unlinked,
            concurrent_unlinks_leave_one_identity,
            session_ends_at_its_idle_and_absolute_timeout,
            use_extends_the_idle_timeout,
            new_session_ends_the_previous_one,
            tokens_are_updated_only_in_an_existing_session,
            backchannel_logout_ends_the_sessions_of_its_sid_or_subject_once,
            concurrent_backchannel_logouts_end_each_session_once,
            unlinking_ends_the_sessions_of_the_identity,
            only_expired_rows_are_deleted,
        );
    };
    ($empty_store:ident: $($behavior:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $behavior() {
            let test = $empty_store().await;
            $crate::accounts::conformance::$behavior(&test.store).await;
        })*
    };
}
pub use accounts_conformance as suite;
