//! Grants of users, and their revocation.

use futures_util::future::join_all;

use super::{
    administration::{add_user, disable_user},
    fixtures::{
        alice_with_two_grants, apply, authorize, code, entry, grant, hash, is_revoked, issued,
        opaque, user,
    },
};
use crate::{
    domain::{Actor, OneTimeCredential, UserGrant},
    storage::{AuditedChange, Change, GrantOwner, Store, StoreError},
};

pub async fn grants_of_user_lists_active_grants_only(store: &dyn Store) {
    for id in ["g1", "g2", "g3", "g4"] {
        let sub = if id == "g4" { "sub of bob" } else { "sub of alice" };
        authorize(store, UserGrant { sub: sub.to_owned(), ..grant(id) }, code(id, id)).await;
    }
    apply(store, Change::IssueTokens(Box::new(issued("g1", "t1", None)))).await;
    apply(store, Change::RevokeGrant { grant_id: "g3".to_owned() }).await;
    let listed = async |now| store.grants_of("sub of alice", now).await.unwrap();
    assert_eq!(listed(80).await, [grant("g2"), grant("g1")]);
    assert_eq!(listed(999).await, [grant("g1")], "a grant is listed until its last token expires");
    assert!(listed(1_000).await.is_empty());
}

pub async fn grants_are_revoked_by_user_by_client_or_by_both(store: &dyn Store) {
    alice_with_two_grants(store).await;
    let revoke = async |sub: Option<&str>, client_id: Option<&str>| {
        let owner = match (sub.map(str::to_owned), client_id.map(str::to_owned)) {
            (Some(sub), Some(client_id)) => GrantOwner::UserAtClient { sub, client_id },
            (Some(sub), None) => GrantOwner::User { sub },
            (None, client_id) => GrantOwner::Client { client_id: client_id.unwrap() },
        };
        store.apply(AuditedChange::revoke_grants(owner, Actor::Cli, 20_000)).await.unwrap();
        store.grants_of("sub of alice", 20).await.unwrap().len()
    };
    let client_id = grant("g").client_id;
    assert_eq!(revoke(Some("sub of alice"), Some("another client")).await, 2);
    assert_eq!(revoke(None, Some("another client")).await, 2);
    assert_eq!(revoke(Some("sub of bob"), None).await, 2);
    assert_eq!(revoke(Some("sub of alice"), Some(&client_id)).await, 0);
    for (grant_id, by_user) in [("again", true), ("once more", false)] {
        authorize(
            store,
            UserGrant { sid: "one".to_owned(), ..grant(grant_id) },
            code(grant_id, grant_id),
        )
        .await;
        let left = match by_user {
            true => revoke(Some("sub of alice"), None).await,
            false => revoke(None, Some(&client_id)).await,
        };
        assert_eq!(left, 0);
    }
    assert_eq!(store.sessions_of("sub of alice").await.unwrap().len(), 1, "the session goes on");
}

pub async fn issuance_under_a_revoked_grant_fails(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    apply(store, Change::IssueTokens(Box::new(issued("g", "t1", None)))).await;
    apply(store, Change::RevokeGrant { grant_id: "g".to_owned() }).await;
    apply(store, Change::RevokeGrant { grant_id: "g".to_owned() }).await;
    assert!(
        is_revoked(store, "t1", "g").await
            && store.code(&hash("c")).await.unwrap().unwrap().revoked
    );
    let late = Change::IssueTokens(Box::new(issued(
        "g",
        "t2",
        Some(OneTimeCredential::AuthorizationCode(hash("c"))),
    )));
    assert!(matches!(
        store.apply(entry("a", "t2", 30_000, late)).await,
        Err(StoreError::AlreadyConsumed)
    ));
    assert!(store.opaque_token(&opaque("t2", 0).hash).await.unwrap().is_none());
    assert_eq!(store.grant("g").await.unwrap(), Some(grant("g")));
}

pub async fn revocation_during_concurrent_issuance_leaves_no_active_token(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    let requests = (0..60).map(|n| {
        let change = match n {
            30 => Change::RevokeGrant { grant_id: "g".to_owned() },
            n => Change::IssueTokens(Box::new(issued("g", &format!("t{n}"), None))),
        };
        store.apply(entry("a", "t", 30_000, change))
    });
    for (n, result) in join_all(requests).await.into_iter().enumerate().filter(|(n, _)| *n != 30) {
        match result {
            Ok(()) => assert!(is_revoked(store, &format!("t{n}"), "g").await, "t{n} is active"),
            Err(error) => assert!(matches!(error, StoreError::AlreadyConsumed), "{error}"),
        }
    }
}

pub async fn concurrent_revocations_do_not_deadlock(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    for n in 0..20 {
        let id = format!("g{n}");
        authorize(store, grant(&id), code(&id, &id)).await;
        apply(store, Change::IssueTokens(Box::new(issued(&id, &format!("t{n}"), None)))).await;
    }
    let revoking = (0..20).map(|n| async move {
        let (sub, client_id, sid) = ("sub of alice".to_owned(), "a".to_owned(), "s".to_owned());
        match n % 3 {
            0 => disable_user(store, "alice", 30).await,
            1 => store.apply(entry("a", "t", 30_000, Change::EndSession { sid })).await,
            _ => {
                store.apply(entry("a", "t", 30_000, Change::RevokeConsent { sub, client_id })).await
            }
        }
    });
    for result in join_all(revoking).await {
        result.unwrap();
    }
    for n in 0..20 {
        assert!(is_revoked(store, &format!("t{n}"), &format!("g{n}")).await);
    }
}
