//! Users, and what ends with their access.

use futures_util::future::join_all;
use oauth_types::StandardClaims;

use super::{
    administration::{add_user, disable_user, set_password},
    fixtures::{
        alice_with_two_grants, apply, authorize, code, grant, hash, is_revoked, issued, phc,
        session, start, user,
    },
};
use crate::{
    domain::{Actor, AuditEvent, AuditQuery, OneTimeCredential, User},
    storage::{AuditedChange, Change, Store, StoreError},
};

pub async fn added_user_is_returned_unchanged(store: &dyn Store) {
    for name in ["bob", "alice"] {
        add_user(store, &user(name), 10).await.unwrap();
    }
    let names: Vec<_> =
        store.users().await.unwrap().into_iter().map(|user| user.username).collect();
    assert_eq!(names, ["alice", "bob"]);
    let found = store.user_by_username("alice").await.unwrap().unwrap();
    assert_eq!(
        (found.sub.as_str(), found.enabled, &found.claims),
        ("sub of alice", true, &user("alice").claims)
    );
    assert_eq!(found.password.cache_key(), b"phc of alice");
    assert_eq!(store.user("sub of bob").await.unwrap().unwrap().username, "bob");
    assert!(
        store.user("bob").await.unwrap().is_none()
            && store.user_by_username("Alice").await.unwrap().is_none()
    );
    assert!(
        matches!(disable_user(store, "carol", 1).await, Err(StoreError::UserNotFound(name)) if name == "sub of carol")
    );
    assert!(matches!(
        set_password(store, "carol", &phc("x"), 1).await,
        Err(StoreError::UserNotFound(_))
    ));
}

pub async fn concurrent_adds_of_one_username_succeed_once(store: &dyn Store) {
    let same: Vec<_> = (0..20).map(|n| User { sub: format!("sub{n}"), ..user("alice") }).collect();
    let results = join_all(same.iter().map(|user| add_user(store, user, 10))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(StoreError::UserExists(name)) if name == "alice"))
    );
}

pub async fn missing_users_are_added_with_a_record_and_others_stay(store: &dyn Store) {
    add_user(store, &user("alice"), 10).await.unwrap();
    let same_sub = User { username: "mallory".to_owned(), ..user("alice") };
    let users =
        vec![User { enabled: false, ..user("alice") }, user("bob"), same_sub, user("\"c'arol")];
    store.add_missing_users(users, Actor::System, 20_000).await.unwrap();
    let names = ["bob", "\"c'arol", "alice", "mallory", "dave"].map(str::to_owned);
    let mut found = store.users_by_username(&names).await.unwrap();
    found.sort_by(|one, other| one.username.cmp(&other.username));
    let found: Vec<_> = found.iter().map(|user| (&*user.username, user.enabled)).collect();
    assert_eq!(found, [("\"c'arol", true), ("alice", true), ("bob", true)]);
    assert!(store.users_by_username(&[]).await.unwrap().is_empty());
    let query = AuditQuery { since_millis: Some(20_000), limit: 10, ..AuditQuery::default() };
    let mut records = store.audit(&query).await.unwrap();
    records.sort_by(|one, other| one.sub.cmp(&other.sub));
    let records: Vec<_> =
        records.iter().map(|record| (record.event, record.sub.as_deref().unwrap())).collect();
    let added = |sub| (AuditEvent::UserAdd, sub);
    assert_eq!(records, [added("sub of \"c'arol"), added("sub of bob")]);
}

pub async fn setting_a_password_ends_sessions_and_grants(store: &dyn Store) {
    alice_with_two_grants(store).await;
    set_password(store, "alice", &phc("a new one"), 20).await.unwrap();
    assert!(
        is_revoked(store, "online", "online").await
            && is_revoked(store, "offline", "offline").await
    );
    assert!(store.sessions_of("sub of alice").await.unwrap().is_empty());
    let found = store.user_by_username("alice").await.unwrap().unwrap();
    assert!(found.enabled && found.password.cache_key() == b"a new one");
}

pub async fn disabling_a_user_ends_sessions_and_revokes_tokens(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("s", 10)).await;
    authorize(store, grant("g"), code("c", "g")).await;
    apply(
        store,
        Change::IssueTokens(Box::new(issued(
            "g",
            "t1",
            Some(OneTimeCredential::AuthorizationCode(hash("c"))),
        ))),
    )
    .await;
    disable_user(store, "alice", 20).await.unwrap();
    assert!(!store.user_by_username("alice").await.unwrap().unwrap().enabled);
    assert!(store.session(&hash("s")).await.unwrap().is_none());
    assert!(is_revoked(store, "t1", "g").await);
    assert!(store.refresh_token("g").await.unwrap().unwrap().revoked);
}

pub async fn signing_a_user_out_keeps_offline_grants(store: &dyn Store) {
    alice_with_two_grants(store).await;
    store.apply(AuditedChange::sign_out_user("sub of alice", Actor::Cli, 20_000)).await.unwrap();
    assert!(store.sessions_of("sub of alice").await.unwrap().is_empty());
    assert!(
        is_revoked(store, "online", "online").await
            && !is_revoked(store, "offline", "offline").await
    );
}

pub async fn known_devices_are_forgotten_when_access_ends(store: &dyn Store) {
    let generation = async || store.user("sub of alice").await.unwrap().unwrap().device_generation;
    for name in ["alice", "bob"] {
        add_user(store, &user(name), 1).await.unwrap();
    }
    let (sub, cli) = ("sub of alice", || Actor::Cli);
    let mut before = generation().await;
    for (change, forgets) in [
        (AuditedChange::update_user(&user("alice"), user("alice"), cli(), 2_000), false),
        (AuditedChange::sign_out_user(sub, cli(), 3_000), true),
        (AuditedChange::set_password(sub, phc("a new one"), cli(), 4_000), true),
        (AuditedChange::disable_user(sub, cli(), 5_000), true),
        (AuditedChange::enable_user(sub, cli(), 6_000), false),
    ] {
        let event = change.audit.event;
        store.apply(change).await.unwrap();
        let now = generation().await;
        assert_eq!(now != before, forgets, "{event:?}");
        before = now;
    }
    let bob = store.user("sub of bob").await.unwrap().unwrap();
    assert_eq!(bob.device_generation, 0, "of another user");
}

pub async fn removed_user_leaves_nothing_and_the_name_is_free(store: &dyn Store) {
    alice_with_two_grants(store).await;
    store.apply(AuditedChange::remove_user("sub of alice", Actor::Cli, 20_000)).await.unwrap();
    assert!(store.user_by_username("alice").await.unwrap().is_none());
    assert!(store.sessions_of("sub of alice").await.unwrap().is_empty());
    assert!(
        is_revoked(store, "online", "online").await
            && is_revoked(store, "offline", "offline").await
    );
    add_user(store, &user("alice"), 30).await.unwrap();
}

pub async fn disabled_user_can_be_enabled_and_updated(store: &dyn Store) {
    alice_with_two_grants(store).await;
    disable_user(store, "alice", 20).await.unwrap();
    store.apply(AuditedChange::enable_user("sub of alice", Actor::Cli, 30_000)).await.unwrap();
    let claims = StandardClaims { nickname: Some("Al".to_owned()), ..StandardClaims::default() };
    let after = User { claims, ..user("alice") };
    let update = AuditedChange::update_user(&user("alice"), after, Actor::Cli, 40_000);
    store.apply(update).await.unwrap();
    let found = store.user_by_username("alice").await.unwrap().unwrap();
    assert!(found.enabled && found.claims.nickname.as_deref() == Some("Al"));
    assert_eq!(found.password.cache_key(), user("alice").password.cache_key());
    assert!(is_revoked(store, "offline", "offline").await, "grants stay revoked");
}

pub async fn issuer_is_replaced_and_the_last_one_returned(store: &dyn Store) {
    for (issuer, before) in [
        ("https://a.example", None),
        ("https://a.example", Some("https://a.example")),
        ("https://b.example", Some("https://a.example")),
        ("https://a.example", Some("https://b.example")),
    ] {
        let installation = store.update_installation([1; 32], issuer).await.unwrap();
        assert_eq!(installation.previous_issuer.as_deref(), before);
        assert_eq!(installation.secret, [1; 32]);
    }
    assert_eq!(
        store.update_installation([2; 32], "https://a.example").await.unwrap().secret,
        [1; 32]
    );
}
