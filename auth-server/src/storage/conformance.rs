//! Tests that every backend passes, races included. A backend calls [`suite!`] with a function that
//! returns an empty store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod administration;
mod audit_log;
mod changes;
mod client_registrations;
mod clients;
mod consents;
mod devices;
mod expiry;
mod fixtures;
mod grants;
mod issuance;
mod keys;
mod logout_notifications;
mod pushed_requests;
mod sessions;
mod users;

use futures_util::future::join_all;

use self::{
    administration::{add_client, disable_client, rotate_secret},
    fixtures::client,
    keys::{install_keys, key, rotate_keys},
};
use crate::{domain::SecretHash, storage::Store};

pub use administration::*;
pub use audit_log::*;
pub use changes::*;
pub use client_registrations::*;
pub use clients::*;
pub use consents::*;
pub use devices::*;
pub use expiry::*;
pub use grants::*;
pub use issuance::*;
pub use keys::*;
pub use logout_notifications::*;
pub use pushed_requests::*;
pub use sessions::*;
pub use users::*;

/// Defines a test for each behaviour, on the store of `$fresh().await.store`.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:ident) => {
        $crate::store_conformance!($fresh:
            added_client_is_returned_unchanged,
            concurrent_adds_of_one_client_id_succeed_once,
            rotation_expires_the_old_secret_now_or_later,
            secret_of_a_new_client_keeps_its_expiry,
            changing_an_unknown_client_fails,
            every_change_of_clients_and_keys_bumps_the_revision,
            concurrent_key_installations_succeed_once,
            first_key_of_an_algorithm_is_published_before_it_signs,
            rotation_advances_the_state_of_each_key,
            only_a_retired_key_can_be_withdrawn,
            readiness_check_changes_nothing,
            issuer_is_replaced_and_the_last_one_returned,
            every_administrative_action_leaves_an_audit_record,
            failed_administrative_action_leaves_no_audit_record,
            change_is_undone_if_its_audit_record_cannot_be_stored,
            concurrent_rotations_succeed_once,
            applied_change_and_its_record_can_be_read,
            concurrent_changes_are_all_stored,
            rejected_change_does_not_affect_concurrent_ones,
            revoking_a_token_twice_succeeds,
            audit_filters_by_client_jti_and_time,
            count_of_rejections_is_returned_unchanged,
            delete_expired_deletes_only_expired_rows,
            added_user_is_returned_unchanged,
            concurrent_adds_of_one_username_succeed_once,
            missing_users_are_added_with_a_record_and_others_stay,
            concurrent_starts_share_one_installation_secret,
            session_is_found_until_it_ends,
            continued_session_has_only_the_newest_cookie,
            session_lists_its_clients_until_it_ends,
            logout_notification_is_due_until_deleted,
            concurrent_takers_get_a_logout_notification_once,
            grants_of_user_lists_active_grants_only,
            setting_a_password_ends_sessions_and_grants,
            signing_a_user_out_keeps_offline_grants,
            known_devices_are_forgotten_when_access_ends,
            grants_are_revoked_by_user_by_client_or_by_both,
            removed_user_leaves_nothing_and_the_name_is_free,
            disabled_user_can_be_enabled_and_updated,
            disabled_client_can_be_enabled_and_updated,
            changed_attributes_are_stored_and_named_in_the_audit_log,
            client_or_user_that_changed_since_it_was_read_is_not_updated,
            disabling_a_user_ends_sessions_and_revokes_tokens,
            sign_in_fails_if_the_password_changed_meanwhile,
            decisions_fail_after_the_session_has_ended,
            concurrent_redemptions_of_a_code_succeed_once,
            concurrent_refreshes_succeed_once,
            issuance_without_credential_keeps_the_refresh_token,
            issuance_under_a_revoked_grant_fails,
            revocation_during_concurrent_issuance_leaves_no_active_token,
            ending_a_session_revokes_grants_that_are_not_offline,
            consent_is_stored_extended_and_revoked,
            concurrent_revocations_do_not_deadlock,
            device_polls_the_decision_of_its_user,
            denied_device_polls_denied,
            concurrent_uses_of_a_pushed_request_succeed_once,
            denial_consumes_a_pushed_request_once,
            concurrent_uses_of_a_request_object_succeed_once,
            delete_expired_deletes_only_expired_user_data,
            registration_is_returned_unchanged,
            approval_lasts_until_the_registration_changes,
            concurrent_registrations_stop_at_max_clients,
            registration_update_requires_its_own_token,
            concurrent_deletions_of_a_registration_succeed_once,
            concurrent_update_and_deletion_leave_no_registration,
            deleting_a_registration_revokes_its_grants,
            removing_a_client_revokes_its_grants,
            disabling_a_client_revokes_its_grants,
        );
    };
    ($fresh:ident: $($behaviour:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $behaviour() {
            let fresh = $fresh().await;
            $crate::storage::conformance::$behaviour(&fresh.store).await;
        })*
    };
}
pub use store_conformance as suite;

pub async fn every_change_of_clients_and_keys_bumps_the_revision(store: &dyn Store) {
    let mut seen = vec![store.revision().await.unwrap()];
    add_client(store, &client("a"), 10).await.unwrap();
    seen.push(store.revision().await.unwrap());
    rotate_secret(store, "a", &SecretHash::Sha256([0; 32]), None, 20).await.unwrap();
    seen.push(store.revision().await.unwrap());
    disable_client(store, "a", 30).await.unwrap();
    seen.push(store.revision().await.unwrap());
    install_keys(store, &key("one"), &key("two"), 30).await.unwrap();
    seen.push(store.revision().await.unwrap());
    rotate_keys(store, "one", &key("three"), 40).await.unwrap();
    seen.push(store.revision().await.unwrap());
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

pub async fn readiness_check_changes_nothing(store: &dyn Store) {
    let before = store.revision().await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(store.revision().await.unwrap(), before);
}

pub async fn concurrent_starts_share_one_installation_secret(store: &dyn Store) {
    let update = async |n| store.update_installation([n; 32], "https://c").await.unwrap().secret;
    let secrets = join_all((0..20).map(&update)).await;
    let kept = update(99).await;
    assert!(secrets.into_iter().all(|secret| secret == kept));
}
