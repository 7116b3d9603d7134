//! Tests that every backend passes, races included. A backend calls [`suite!`] with a function that
//! returns an empty store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod administration;
mod client_registrations;
mod keys;
mod users_and_grants;

use futures_util::future::join_all;
use oauth_types::{AccessToken, AccessTokenClaims, Audience, ClientSecret};

use self::{
    administration::{add_client, disable_client, rotate_secret},
    keys::{install_keys, key, rotate_keys, states},
};
use super::{AuditedChange, Change, RetentionCutoffs, Store, StoreError};
use crate::domain::{
    Actor, AuditEvent, AuditQuery, AuditRecord, Client, OpaqueToken, Outcome, SecretHash,
    StoredSecret, TokenExchangeRule, TokenFormat, TokenHash,
};

pub use administration::*;
pub use client_registrations::*;
pub use keys::*;
pub use users_and_grants::*;

/// Defines a test for each behaviour, on the store of `$fresh().await.store`.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:ident) => {
        $crate::store_conformance!($fresh:
            added_client_is_returned_unchanged,
            concurrent_adds_of_one_client_id_succeed_once,
            rotation_expires_the_old_secret_now_or_later,
            changing_an_unknown_client_fails,
            every_change_of_clients_and_keys_bumps_the_revision,
            concurrent_key_installations_succeed_once,
            first_key_of_an_algorithm_is_published_before_it_signs,
            rotation_advances_the_state_of_each_key,
            only_a_retired_key_can_be_withdrawn,
            readiness_check_changes_nothing,
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

pub async fn added_client_is_returned_unchanged(store: &dyn Store) {
    add_client(store, &client("a"), 10).await.unwrap();
    let [found] = &store.clients().await.unwrap()[..] else { panic!("one client was added") };
    assert_eq!((found.client_id.as_str(), found.scopes.to_string().as_str()), ("a", "read write"));
    assert_eq!(found.token_exchange, client("a").token_exchange);
    assert_eq!(
        (&found.resources[..], &found.introspection_audiences[..]),
        (&["http://b".to_owned()][..], &["http://c".to_owned()][..])
    );
    assert_eq!(
        (found.token_format, found.enabled, found.tokens_valid_from),
        (TokenFormat::Opaque, true, 10)
    );
    assert!(found.secrets[0].hash.matches("secret of a"));
    disable_client(store, "a", 30).await.unwrap();
    assert!(!store.clients().await.unwrap()[0].enabled);
}

pub async fn concurrent_adds_of_one_client_id_succeed_once(store: &dyn Store) {
    let same = client("a");
    let results = join_all((0..20).map(|_| add_client(store, &same, 10))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(StoreError::ClientExists(id)) if id == "a"))
    );
    assert_eq!(store.clients().await.unwrap()[0].secrets.len(), 1);
}

pub async fn rotation_expires_the_old_secret_now_or_later(store: &dyn Store) {
    let hash = |text: &str| SecretHash::sha256(&ClientSecret::new(text));
    add_client(store, &client("a"), 10).await.unwrap();
    rotate_secret(store, "a", &hash("second"), Some(500), 20).await.unwrap();
    let secrets = store.clients().await.unwrap().remove(0).secrets;
    assert_eq!(
        secrets.iter().map(|secret| secret.not_after).collect::<Vec<_>>(),
        [None, Some(500)]
    );
    assert!(secrets[0].hash.matches("second"));
    rotate_secret(store, "a", &hash("third"), None, 30).await.unwrap();
    let secrets = store.clients().await.unwrap().remove(0).secrets;
    assert!(secrets.len() == 1 && secrets[0].hash.matches("third"));
}

pub async fn changing_an_unknown_client_fails(store: &dyn Store) {
    let hash = SecretHash::Sha256([0; 32]);
    assert!(matches!(
        rotate_secret(store, "x", &hash, None, 1).await,
        Err(StoreError::ClientNotFound(_))
    ));
    assert!(matches!(disable_client(store, "x", 1).await, Err(StoreError::ClientNotFound(_))));
}

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

pub async fn applied_change_and_its_record_can_be_read(store: &dyn Store) {
    let token = opaque("t1", 100);
    store.apply(entry("a", "t1", 1, Change::StoreOpaqueToken(token.clone()))).await.unwrap();
    assert_eq!(store.opaque_token(&token.hash).await.unwrap(), Some(token));
    assert_eq!(store.opaque_token(&TokenHash([9; 32])).await.unwrap(), None);
    assert_eq!(all(store).await, [entry("a", "t1", 1, Change::None).audit]);
}

pub async fn concurrent_changes_are_all_stored(store: &dyn Store) {
    let entries = (0..1_500).map(|n| {
        let jti = format!("t{n}");
        let change = if n % 2 == 0 {
            Change::StoreOpaqueToken(opaque(&jti, 100))
        } else {
            Change::RevokeToken { jti: jti.clone(), exp: 100 }
        };
        store.apply(entry("a", &jti, n, change))
    });
    assert!(join_all(entries).await.iter().all(Result::is_ok));
    assert_eq!(all(store).await.len(), 1_500);
    assert!(store.opaque_token(&opaque("t1498", 0).hash).await.unwrap().is_some());
    assert!(store.is_revoked("t1499").await.unwrap());
}

pub async fn rejected_change_does_not_affect_concurrent_ones(store: &dyn Store) {
    let remember = || Change::StoreOpaqueToken(opaque("first", 100));
    store.apply(entry("a", "first", 1, remember())).await.unwrap();
    let effects = (0..50).map(|n| if n == 25 { remember() } else { Change::None });
    let results = join_all(effects.map(|change| store.apply(entry("a", "other", 2, change)))).await;
    let refused: Vec<_> =
        results.iter().enumerate().filter(|(_, result)| result.is_err()).collect();
    assert!(matches!(refused[..], [(25, Err(StoreError::ConstraintViolation(_)))]), "{refused:?}");
    assert_eq!(all(store).await.len(), 50);
}

pub async fn revoking_a_token_twice_succeeds(store: &dyn Store) {
    let revoke = || Change::RevokeToken { jti: "t1".to_owned(), exp: 100 };
    assert!(!store.is_revoked("t1").await.unwrap());
    store.apply(entry("a", "t1", 1, revoke())).await.unwrap();
    assert!(store.is_revoked("t1").await.unwrap());
    store.apply(entry("a", "t1", 2, revoke())).await.unwrap();
    assert!(store.is_revoked("t1").await.unwrap() && !store.is_revoked("t2").await.unwrap());
}

pub async fn count_of_rejections_is_returned_unchanged(store: &dyn Store) {
    for count in [u32::MAX, 2, 1] {
        let mut rejection = entry("a", "t", 1_000, Change::None);
        rejection.audit.outcome = Outcome::Rejected;
        rejection.audit.count = count;
        store.apply(rejection.clone()).await.unwrap();
        assert_eq!(all(store).await[0], rejection.audit);
    }
}

pub async fn audit_filters_by_client_jti_and_time(store: &dyn Store) {
    for (client, jti, at) in [("a", "t1", 10), ("b", "t2", 20), ("a", "t3", 30)] {
        store.apply(entry(client, jti, at, Change::None)).await.unwrap();
    }
    let find = |query: AuditQuery| async move {
        let found = store.audit(&query).await.unwrap();
        found.into_iter().map(|record| record.jti.unwrap()).collect::<Vec<_>>()
    };
    let query = || AuditQuery { limit: 10, ..AuditQuery::default() };
    assert_eq!(find(query()).await, ["t3", "t2", "t1"]);
    assert_eq!(find(AuditQuery { client_id: Some("a".to_owned()), ..query() }).await, ["t3", "t1"]);
    assert_eq!(find(AuditQuery { jti: Some("t2".to_owned()), ..query() }).await, ["t2"]);
    assert_eq!(find(AuditQuery { since_millis: Some(20), ..query() }).await, ["t3", "t2"]);
    assert_eq!(find(AuditQuery { until_millis: Some(20), limit: 1, ..query() }).await, ["t2"]);
}

pub async fn delete_expired_deletes_only_expired_rows(store: &dyn Store) {
    let (old, young) = (opaque("old", 100), opaque("young", 200));
    store.apply(entry("a", "old", 1_000, Change::StoreOpaqueToken(old.clone()))).await.unwrap();
    store.apply(entry("a", "young", 2_000, Change::StoreOpaqueToken(young.clone()))).await.unwrap();
    store
        .apply(entry("a", "r1", 2_000, Change::RevokeToken { jti: "r1".to_owned(), exp: 100 }))
        .await
        .unwrap();
    store
        .apply(entry("a", "r2", 2_000, Change::RevokeToken { jti: "r2".to_owned(), exp: 200 }))
        .await
        .unwrap();
    install_keys(store, &key("one"), &key("two"), 5).await.unwrap();
    rotate_keys(store, "one", &key("three"), 50).await.unwrap();
    rotate_keys(store, "two", &key("four"), 150).await.unwrap();
    let gone = store
        .delete_expired(RetentionCutoffs {
            tokens: 150,
            revocations: 150,
            keys: 100,
            audit_millis: 1_500,
            sessions: 100,
        })
        .await
        .unwrap();
    assert_eq!(gone, 4, "a token, a revocation, a key and an audit record");
    assert!(store.opaque_token(&old.hash).await.unwrap().is_none());
    assert!(store.opaque_token(&young.hash).await.unwrap().is_some());
    assert!(!store.is_revoked("r1").await.unwrap() && store.is_revoked("r2").await.unwrap());
    assert_eq!(all(store).await.len(), 6, "three of tokens, three of keys");
    let states = states(store).await;
    assert!(!states.contains_key("one") && states.contains_key("two"));
}

async fn all(store: &dyn Store) -> Vec<AuditRecord> {
    store.audit(&AuditQuery { limit: 10_000, ..AuditQuery::default() }).await.unwrap()
}

fn client(client_id: &str) -> Client {
    let hash = SecretHash::sha256(&ClientSecret::new(format!("secret of {client_id}")));
    Client {
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: "read write".parse().unwrap(),
        default_scope: Some("read".parse().unwrap()),
        resources: vec!["http://b".to_owned()],
        default_resource: Some("http://b".to_owned()),
        introspection_audiences: vec!["http://c".to_owned()],
        token_exchange: vec![TokenExchangeRule {
            resource: "http://d".to_owned(),
            scopes: "read write".parse().unwrap(),
            beyond_grant: true,
        }],
        token_format: TokenFormat::Opaque,
        ..Client::without_access(client_id)
    }
}

fn opaque(jti: &str, exp: i64) -> OpaqueToken {
    let claims = AccessTokenClaims {
        iss: "http://c".to_owned(),
        sub: "a".to_owned(),
        aud: Audience::new(["http://b"]),
        exp,
        iat: 1,
        nbf: None,
        jti: jti.to_owned(),
        client_id: "a".to_owned(),
        scope: "read".parse().unwrap(),
        act: None,
        extra: [("roles".to_owned(), serde_json::json!(["auditor"]))].into_iter().collect(),
    };
    OpaqueToken { hash: TokenHash::of(&AccessToken::new(jti)), claims }
}

fn entry(client_id: &str, jti: &str, at_millis: i64, change: Change) -> AuditedChange {
    let audit = AuditRecord {
        at_millis,
        event: AuditEvent::Token,
        outcome: Outcome::Issued,
        client_id: Some(client_id.to_owned()),
        actor: Some(Actor::Client(client_id.to_owned())),
        sub: None,
        kid: None,
        jti: Some(jti.to_owned()),
        scope: Some("read".to_owned()),
        address: Some("127.0.0.1".to_owned()),
        error: None,
        count: 1,
    };
    AuditedChange { audit, change }
}
