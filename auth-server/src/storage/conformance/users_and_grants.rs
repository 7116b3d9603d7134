use futures_util::future::join_all;
use oauth_types::StandardClaims;

use super::{
    administration::{add_user, disable_user, set_password},
    all, entry, opaque,
};
use crate::{
    domain::{
        Actor, AuthorizationCode, Consent, DeviceAuthorization, DeviceCodeStatus, GrantResources,
        LogoutNotification, NewRefreshToken, OneTimeCredential, PushedAuthorizationRequest,
        SecretHash, Session, TokenHash, User, UserGrant, UserIssuance, with_grant_id,
    },
    storage::{
        AuditedChange, Authorization, Change, DeviceDecision, GrantOwner, RetentionCutoffs, Store,
        StoreError,
    },
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

pub async fn concurrent_starts_share_one_installation_secret(store: &dyn Store) {
    let results = join_all((0..20).map(|n| store.installation_secret([n; 32]))).await;
    let kept = store.installation_secret([99; 32]).await.unwrap();
    assert!(results.into_iter().all(|secret| secret.unwrap() == kept));
}

pub async fn session_is_found_until_it_ends(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("one", 10)).await;
    start(store, session("two", 20)).await;
    let sids = |sessions: Vec<Session>| {
        sessions.into_iter().map(|session| session.sid).collect::<Vec<_>>()
    };
    assert_eq!(sids(store.sessions_of("sub of alice").await.unwrap()), ["two", "one"]);
    store.touch_session(&hash("one"), 70).await.unwrap();
    let found = store.session(&hash("one")).await.unwrap().unwrap();
    assert_eq!(found, Session { last_seen: 70, ..session("one", 10) });

    assert_eq!(store.session_by_sid("one").await.unwrap(), Some(found));
    apply(store, Change::EndSession { sid: "two".to_owned() }).await;
    assert_eq!(sids(store.sessions_of("sub of alice").await.unwrap()), ["one"]);
    assert!(
        store.session(&hash("two")).await.unwrap().is_none()
            && store.session_by_sid("two").await.unwrap().is_none()
    );
}

pub async fn continued_session_has_only_the_newest_cookie(store: &dyn Store) {
    for name in ["alice", "bob"] {
        add_user(store, &user(name), 1).await.unwrap();
    }
    start(store, session("s", 10)).await;
    authorize(store, grant("g"), code("c", "g")).await;
    let again = |n: i64| Session { hash: hash(&format!("cookie {n}")), ..session("s", n) };
    let starting = (20..40).map(|n| store.apply(entry("a", "t", 30_000, sign_in(again(n)))));
    assert!(join_all(starting).await.iter().all(Result::is_ok));
    let [one] = &store.sessions_of("sub of alice").await.unwrap()[..] else {
        panic!("there is one session")
    };
    assert_eq!(store.session(&one.hash).await.unwrap().as_ref(), Some(one));
    assert!(store.session(&hash("s")).await.unwrap().is_none(), "the old cookie is invalid");
    assert_eq!(
        store.clients_of_session("s").await.unwrap(),
        ["a"],
        "the session keeps its clients"
    );
    let bobs = Session { sub: "sub of bob".to_owned(), hash: hash("bob's"), ..session("s", 50) };
    let refused = store.apply(entry("a", "t", 30_000, sign_in(bobs))).await;
    assert!(matches!(refused, Err(StoreError::SessionEnded)));
    assert!(
        store.session(&hash("bob's")).await.unwrap().is_none(),
        "a session of another user cannot be replaced"
    );
}

pub async fn session_lists_its_clients_until_it_ends(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("s", 10)).await;
    authorize(store, UserGrant { client_id: "b".to_owned(), ..grant("g") }, code("c", "g")).await;
    store.add_device(&device("d", "BCDF-GHJK")).await.unwrap();
    let decision =
        DeviceDecision { device: hash("d"), exp: 100, grant: Some(grant("of the device")) };
    apply(store, Change::DecideDevice(Box::new(decision))).await;
    store
        .delete_expired(RetentionCutoffs {
            tokens: 100_000,
            revocations: 0,
            keys: 0,
            audit_millis: 0,
            sessions: 0,
        })
        .await
        .unwrap();
    assert!(store.code(&hash("c")).await.unwrap().is_none());
    apply(store, Change::EndSession { sid: "s".to_owned() }).await;
    assert!(store.clients_of_session("s").await.unwrap().is_empty());
}

pub async fn logout_notification_is_due_until_deleted(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    for sid in ["signed out", "new password", "disabled"] {
        start(store, session(sid, 10)).await;
        authorize(store, UserGrant { sid: sid.to_owned(), ..grant(sid) }, code(sid, sid)).await;
        match sid {
            "signed out" => apply(store, Change::EndSession { sid: sid.to_owned() }).await,
            "new password" => set_password(store, "alice", &phc("phc of alice"), 30).await.unwrap(),
            _ => disable_user(store, "alice", 30).await.unwrap(),
        }
        let expected = [LogoutNotification {
            sid: sid.to_owned(),
            sub: "sub of alice".to_owned(),
            client_id: "a".to_owned(),
        }];
        let due = async |now| store.take_due_logout_notifications(now, now + 60, 10).await.unwrap();
        assert_eq!(due(30).await, expected, "{sid}");
        assert!(due(89).await.is_empty(), "another caller is delivering it");
        assert_eq!(due(90).await, expected, "it is due again if the delivery was interrupted");
        assert!(due(10_000).await.is_empty(), "an old notification is not delivered");
        assert_eq!(due(160).await, expected);
        store.delete_logout_notification(&expected[0]).await.unwrap();
        assert!(due(1_000).await.is_empty());
    }
}

pub async fn concurrent_takers_get_a_logout_notification_once(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("s", 10)).await;
    for n in 0..20 {
        let id = format!("g{n}");
        authorize(
            store,
            UserGrant { client_id: format!("client {n}"), ..grant(&id) },
            code(&id, &id),
        )
        .await;
    }
    apply(store, Change::EndSession { sid: "s".to_owned() }).await;
    let taken = join_all((0..20).map(|_| store.take_due_logout_notifications(30, 90, 3))).await;
    let mut clients: Vec<_> =
        taken.into_iter().flat_map(Result::unwrap).map(|news| news.client_id).collect();
    while let [news, more @ ..] = &store.take_due_logout_notifications(30, 90, 3).await.unwrap()[..]
    {
        clients.extend([news].into_iter().chain(more).map(|news| news.client_id.clone()));
    }
    assert_eq!(clients.len(), 20, "{clients:?}");
    clients.sort();
    clients.dedup();
    assert_eq!(clients.len(), 20, "no client is notified twice");
}

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

pub async fn setting_a_password_ends_sessions_and_grants(store: &dyn Store) {
    alice_with_two_grants(store).await;
    set_password(store, "alice", &phc("a new one"), 20).await.unwrap();
    assert!(is_void(store, "online", "online").await && is_void(store, "offline", "offline").await);
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
    assert!(is_void(store, "t1", "g").await);
    assert!(store.refresh_token("g").await.unwrap().unwrap().revoked);
}

pub async fn signing_a_user_out_keeps_offline_grants(store: &dyn Store) {
    alice_with_two_grants(store).await;
    store.apply(AuditedChange::sign_out_user("sub of alice", Actor::Cli, 20_000)).await.unwrap();
    assert!(store.sessions_of("sub of alice").await.unwrap().is_empty());
    assert!(
        is_void(store, "online", "online").await && !is_void(store, "offline", "offline").await
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
        (AuditedChange::update_user(sub, user("alice").claims, cli(), 2_000), false),
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

pub async fn removed_user_leaves_nothing_and_the_name_is_free(store: &dyn Store) {
    alice_with_two_grants(store).await;
    store.apply(AuditedChange::remove_user("sub of alice", Actor::Cli, 20_000)).await.unwrap();
    assert!(store.user_by_username("alice").await.unwrap().is_none());
    assert!(store.sessions_of("sub of alice").await.unwrap().is_empty());
    assert!(is_void(store, "online", "online").await && is_void(store, "offline", "offline").await);
    add_user(store, &user("alice"), 30).await.unwrap();
}

pub async fn disabled_user_can_be_enabled_and_updated(store: &dyn Store) {
    alice_with_two_grants(store).await;
    disable_user(store, "alice", 20).await.unwrap();
    store.apply(AuditedChange::enable_user("sub of alice", Actor::Cli, 30_000)).await.unwrap();
    let claims = StandardClaims { nickname: Some("Al".to_owned()), ..StandardClaims::default() };
    let update = AuditedChange::update_user("sub of alice", claims, Actor::Cli, 40_000);
    store.apply(update).await.unwrap();
    let found = store.user_by_username("alice").await.unwrap().unwrap();
    assert!(found.enabled && found.claims.nickname.as_deref() == Some("Al"));
    assert_eq!(found.password.cache_key(), user("alice").password.cache_key());
    assert!(is_void(store, "offline", "offline").await, "grants stay revoked");
}

/// Signs alice in, with a grant that ends with the session and one that outlives it.
async fn alice_with_two_grants(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("one", 10)).await;
    for (id, offline) in [("online", false), ("offline", true)] {
        authorize(store, UserGrant { offline, sid: "one".to_owned(), ..grant(id) }, code(id, id))
            .await;
        apply(store, Change::IssueTokens(Box::new(issued(id, id, None)))).await;
    }
}

pub async fn sign_in_fails_if_the_password_changed_meanwhile(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    set_password(store, "alice", &phc("a new one"), 20).await.unwrap();
    let refused = store.apply(entry("a", "t", 30_000, sign_in(session("s", 10)))).await;
    assert!(matches!(refused, Err(StoreError::SessionEnded)));
    let again = Change::StartSession { session: session("s", 10), verified_hash: phc("a new one") };
    apply(store, again.clone()).await;
    disable_user(store, "alice", 30).await.unwrap();
    assert!(matches!(
        store.apply(entry("a", "t", 30_000, again)).await,
        Err(StoreError::SessionEnded)
    ));
    assert!(store.session_by_sid("s").await.unwrap().is_none());
}

pub async fn decisions_fail_after_the_session_has_ended(store: &dyn Store) {
    be_signed_in(store, &grant("first")).await;
    let deciding = (0..40).map(|n| async move {
        if n == 20 {
            return disable_user(store, "alice", 30).await;
        }
        let id = format!("g{n}");
        let grant = UserGrant { offline: true, ..grant(&id) };
        let change = if n % 2 == 0 {
            let yes = Authorization { grant, code: code(&id, &id), consent: None, pushed: None };
            Change::Authorize(Box::new(yes))
        } else {
            store.add_device(&device(&id, &id)).await.unwrap();
            Change::DecideDevice(Box::new(DeviceDecision {
                device: hash(&id),
                exp: 100,
                grant: Some(grant),
            }))
        };
        store.apply(entry("a", "t", 30_000, change)).await
    });
    let results = join_all(deciding).await;
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::SessionEnded))));
    assert!(
        store.grants_of("sub of alice", 40).await.unwrap().is_empty(),
        "grants of a disabled user are revoked"
    );
    let late = Authorization {
        grant: grant("late"),
        code: code("late", "late"),
        consent: None,
        pushed: None,
    };
    let late = store.apply(entry("a", "t", 30_000, Change::Authorize(Box::new(late)))).await;
    assert!(matches!(late, Err(StoreError::SessionEnded)));
    assert!(
        store.grant("late").await.unwrap().is_none()
            && store.code(&hash("late")).await.unwrap().is_none()
    );
    store.add_device(&device("late", "late")).await.unwrap();
    let decision = DeviceDecision { device: hash("late"), exp: 100, grant: Some(grant("late")) };
    let late = store.apply(entry("a", "t", 30_000, Change::DecideDevice(Box::new(decision)))).await;
    assert!(matches!(late, Err(StoreError::SessionEnded)));
    assert!(
        store.pending_device("late", 10).await.unwrap().is_some(),
        "a decision requires a signed-in user"
    );
}

pub async fn concurrent_redemptions_of_a_code_succeed_once(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    let stored = store.code(&hash("c")).await.unwrap().unwrap();
    assert_eq!((stored.code, stored.grant), (code("c", "g"), grant("g")));
    assert!(!stored.spent && !stored.revoked && store.code(&hash("x")).await.unwrap().is_none());
    one_of_many_wins(store, OneTimeCredential::AuthorizationCode(hash("c"))).await;
    assert!(store.code(&hash("c")).await.unwrap().unwrap().spent);
}

pub async fn concurrent_refreshes_succeed_once(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    apply(
        store,
        Change::IssueTokens(Box::new(issued(
            "g",
            "first",
            Some(OneTimeCredential::AuthorizationCode(hash("c"))),
        ))),
    )
    .await;
    let first = hash("refresh of first");
    let stored = store.refresh_token("g").await.unwrap().unwrap();
    assert_eq!((stored.hash, stored.number, stored.since), (first, 7, 30));
    assert_eq!((stored.grant, stored.exp, stored.revoked), (grant("g"), 1_000, false));
    one_of_many_wins(store, OneTimeCredential::RefreshToken(first)).await;
    let spent = Change::IssueTokens(Box::new(issued(
        "g",
        "late",
        Some(OneTimeCredential::RefreshToken(first)),
    )));
    assert!(matches!(
        store.apply(entry("a", "late", 30_000, spent)).await,
        Err(StoreError::AlreadyConsumed)
    ));
}

pub async fn issuance_without_credential_keeps_the_refresh_token(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    assert!(
        store.refresh_token("g").await.unwrap().is_none()
            && store.refresh_token("x").await.unwrap().is_none()
    );
    apply(
        store,
        Change::IssueTokens(Box::new(issued(
            "g",
            "first",
            Some(OneTimeCredential::AuthorizationCode(hash("c"))),
        ))),
    )
    .await;
    let alone = UserIssuance { refresh_token: None, exp: 200_000, ..issued("g", "second", None) };
    store.apply(entry("a", "t", 77_000, Change::IssueTokens(Box::new(alone)))).await.unwrap();
    let stored = store.refresh_token("g").await.unwrap().unwrap();
    assert_eq!((stored.hash, stored.exp, stored.since), (hash("refresh of first"), 1_000, 30));
    store
        .delete_expired(RetentionCutoffs {
            tokens: 199_999,
            revocations: 0,
            keys: 0,
            audit_millis: 0,
            sessions: 0,
        })
        .await
        .unwrap();
    assert!(
        store.grant("g").await.unwrap().is_some(),
        "a grant is stored until its last token expires"
    );
    store
        .delete_expired(RetentionCutoffs {
            tokens: 400_000,
            revocations: 0,
            keys: 0,
            audit_millis: 0,
            sessions: 0,
        })
        .await
        .unwrap();
    assert!(store.grant("g").await.unwrap().is_none() && is_void(store, "second", "g").await);
}

/// Consumes a credential in 64 concurrent requests: one succeeds, and the others store nothing.
async fn one_of_many_wins(store: &dyn Store, spends: OneTimeCredential) {
    let before = all(store).await.len();
    let requests = (0..64).map(|n| {
        let jti = format!("t{n}");
        store.apply(entry(
            "a",
            &jti,
            30_000,
            Change::IssueTokens(Box::new(issued("g", &jti, Some(spends)))),
        ))
    });
    let results = join_all(requests).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::AlreadyConsumed)))
    );
    assert_eq!(all(store).await.len(), before + 1);
    for (n, result) in results.iter().enumerate() {
        let jti = format!("t{n}");
        let (refresh, opaque) = (hash(&format!("refresh of {jti}")), opaque(&jti, 0).hash);
        assert_eq!(
            store.refresh_token("g").await.unwrap().unwrap().hash == refresh,
            result.is_ok()
        );
        assert_eq!(store.opaque_token(&opaque).await.unwrap().is_some(), result.is_ok());
    }
}

pub async fn issuance_under_a_revoked_grant_fails(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    apply(store, Change::IssueTokens(Box::new(issued("g", "t1", None)))).await;
    apply(store, Change::RevokeGrant { grant_id: "g".to_owned() }).await;
    apply(store, Change::RevokeGrant { grant_id: "g".to_owned() }).await;
    assert!(
        is_void(store, "t1", "g").await && store.code(&hash("c")).await.unwrap().unwrap().revoked
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
            Ok(()) => assert!(is_void(store, &format!("t{n}"), "g").await, "t{n} is active"),
            Err(error) => assert!(matches!(error, StoreError::AlreadyConsumed), "{error}"),
        }
    }
}

pub async fn ending_a_session_revokes_grants_that_are_not_offline(store: &dyn Store) {
    let offline = UserGrant { offline: true, client_id: "b".to_owned(), ..grant("offline") };
    for (grant, jti) in [(grant("online"), "t1"), (offline, "t2")] {
        let id = grant.grant_id.clone();
        authorize(store, grant, code(&id, &id)).await;
        apply(store, Change::IssueTokens(Box::new(issued(&id, jti, None)))).await;
    }
    apply(store, Change::EndSession { sid: "s".to_owned() }).await;
    assert!(is_void(store, "t1", "online").await && !is_void(store, "t2", "offline").await);
}

pub async fn consent_is_stored_extended_and_revoked(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    let yes = |client_id: &str, scope: &str, granted_at| Consent {
        sub: "sub of alice".to_owned(),
        client_id: client_id.to_owned(),
        scope: scope.parse().unwrap(),
        resources: [("http://b".to_owned(), scope.parse().unwrap())].into(),
        granted_at,
    };
    for (n, consent) in
        [yes("a", "openid", 10), yes("b", "openid", 20), yes("a", "openid email", 30)]
            .into_iter()
            .enumerate()
    {
        let id = format!("g{n}");
        let grant = UserGrant { client_id: consent.client_id.clone(), ..grant(&id) };
        be_signed_in(store, &grant).await;
        let yes =
            Authorization { code: code(&id, &id), grant, consent: Some(consent), pushed: None };
        apply(store, Change::Authorize(Box::new(yes))).await;
        apply(store, Change::IssueTokens(Box::new(issued(&id, &format!("t{n}"), None)))).await;
    }
    let given = store.consents_of("sub of alice").await.unwrap();
    assert_eq!(given, [yes("a", "openid email", 30), yes("b", "openid", 20)]);
    apply(
        store,
        Change::RevokeConsent { sub: "sub of alice".to_owned(), client_id: "a".to_owned() },
    )
    .await;
    assert!(store.consent("sub of alice", "a").await.unwrap().is_none());
    assert_eq!(store.consent("sub of alice", "b").await.unwrap(), Some(yes("b", "openid", 20)));
    let revoked = join_all(
        [("t0", "g0"), ("t1", "g1"), ("t2", "g2")].map(|(jti, id)| is_void(store, jti, id)),
    )
    .await;
    assert_eq!(revoked, [true, false, true]);
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
        assert!(is_void(store, &format!("t{n}"), &format!("g{n}")).await);
    }
}

pub async fn device_polls_the_decision_of_its_user(store: &dyn Store) {
    assert!(store.add_device(&device("d", "BCDF-GHJK")).await.unwrap());
    assert!(
        !store.add_device(&device("other", "BCDF-GHJK")).await.unwrap(),
        "the user code is already in use"
    );
    assert_eq!(
        store.pending_device("BCDF-GHJK", 10).await.unwrap(),
        Some(device("d", "BCDF-GHJK"))
    );
    assert_eq!(store.pending_device("BCDF-GHJK", 100).await.unwrap(), None);
    let answer = async |now| store.poll_device(&hash("d"), "a", now).await.unwrap().unwrap().status;
    assert_eq!(answer(10).await, DeviceCodeStatus::Pending);
    assert!(
        store.poll_device(&hash("d"), "b", 14).await.unwrap().is_none(),
        "issued to another client"
    );
    assert_eq!(answer(12).await, DeviceCodeStatus::SlowDown);
    assert_eq!(
        answer(20).await,
        DeviceCodeStatus::SlowDown,
        "five seconds more than the initial interval"
    );
    assert_eq!(answer(60).await, DeviceCodeStatus::Pending);
    assert!(store.poll_device(&hash("d"), "b", 79).await.unwrap().is_none());
    assert!(store.poll_device(&hash("x"), "a", 10).await.unwrap().is_none());

    be_signed_in(store, &grant("g")).await;
    let deciding = (0..20).map(|n| {
        let decision =
            DeviceDecision { device: hash("d"), exp: 100, grant: Some(grant(&format!("g{n}"))) };
        store.apply(entry("a", "t", 30_000, Change::DecideDevice(Box::new(decision))))
    });
    let results = join_all(deciding).await;
    let won = results.iter().position(Result::is_ok).unwrap();
    assert_eq!(
        results.iter().filter(|result| matches!(result, Err(StoreError::AlreadyConsumed))).count(),
        19
    );
    let allowed = |spent| DeviceCodeStatus::Approved {
        grant: grant(&format!("g{won}")),
        revoked: false,
        spent,
    };
    assert_eq!(answer(80).await, allowed(false));
    let spends = Some(OneTimeCredential::DeviceCode(hash("d")));
    apply(store, Change::IssueTokens(Box::new(issued(&format!("g{won}"), "t1", spends)))).await;
    assert_eq!(answer(90).await, allowed(true));
    assert_eq!(store.pending_device("BCDF-GHJK", 10).await.unwrap(), None);
}

pub async fn denied_device_polls_denied(store: &dyn Store) {
    store.add_device(&device("d", "BCDF-GHJK")).await.unwrap();
    let no = DeviceDecision { device: hash("d"), exp: 100, grant: None };
    apply(store, Change::DecideDevice(Box::new(no))).await;
    assert_eq!(
        store.poll_device(&hash("d"), "a", 10).await.unwrap().unwrap().status,
        DeviceCodeStatus::Denied
    );
}

pub async fn concurrent_uses_of_a_pushed_request_succeed_once(store: &dyn Store) {
    let pushed = PushedAuthorizationRequest {
        hash: hash("p"),
        client_id: "a".to_owned(),
        parameters: "response_type=code".to_owned(),
        exp: 100,
        browser: None,
    };
    store.push_request(&pushed).await.unwrap();
    assert!(
        store
            .visit_pushed_request(&hash("p"), "a", &hash("own"), 100, 200)
            .await
            .unwrap()
            .is_none(),
        "it has expired"
    );
    let visited = store.visit_pushed_request(&hash("p"), "a", &hash("own"), 10, 600).await.unwrap();
    assert_eq!(
        visited,
        Some(PushedAuthorizationRequest { exp: 600, browser: Some(hash("own")), ..pushed.clone() })
    );
    for until in [550, 1_100] {
        let visited =
            store.visit_pushed_request(&hash("p"), "a", &hash("own"), 500, until).await.unwrap();
        assert_eq!(
            visited,
            Some(PushedAuthorizationRequest {
                exp: 600,
                browser: Some(hash("own")),
                ..pushed.clone()
            }),
            "later visits change nothing"
        );
    }
    assert!(
        store.visit_pushed_request(&hash("p"), "b", &hash("own"), 10, 600).await.unwrap().is_none(),
        "issued to another client"
    );
    for now in [10, 500] {
        let visited = store.visit_pushed_request(&hash("p"), "a", &hash("other"), now, 600).await;
        assert!(visited.unwrap().is_none(), "opened in another browser");
    }
    be_signed_in(store, &grant("g")).await;
    let answering = (0..20).map(|n| {
        let id = format!("g{n}");
        let yes = Authorization {
            grant: grant(&id),
            code: code(&id, &id),
            consent: None,
            pushed: Some(hash("p")),
        };
        store.apply(entry("a", "t", 30_000, Change::Authorize(Box::new(yes))))
    });
    let results = join_all(answering).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for (n, result) in results.iter().enumerate() {
        assert_eq!(store.code(&hash(&format!("g{n}"))).await.unwrap().is_some(), result.is_ok());
    }
}

pub async fn denial_consumes_a_pushed_request_once(store: &dyn Store) {
    let pushed = PushedAuthorizationRequest {
        hash: hash("p"),
        client_id: "a".to_owned(),
        parameters: "response_type=code".to_owned(),
        exp: 100,
        browser: Some(hash("own")),
    };
    store.push_request(&pushed).await.unwrap();
    assert!(
        store.visit_pushed_request(&hash("p"), "a", &hash("own"), 10, 20).await.unwrap().is_some()
    );
    let deny = || entry("a", "t", 30_000, Change::ConsumePushedRequest { hash: hash("p") });
    let results = join_all((0..5).map(|_| store.apply(deny()))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        store.visit_pushed_request(&hash("p"), "a", &hash("own"), 10, 20).await.unwrap().is_none()
    );
}

pub async fn concurrent_uses_of_a_request_object_succeed_once(store: &dyn Store) {
    let used = hash("a request object");
    let uses = join_all((0..10).map(|_| store.use_request_object(&used, 100))).await;
    assert_eq!(uses.into_iter().filter(|first| *first.as_ref().unwrap()).count(), 1);
    assert!(store.use_request_object(&hash("another"), 100).await.unwrap());
    let before = |revocations| RetentionCutoffs {
        tokens: 1_000,
        revocations,
        keys: 0,
        audit_millis: 0,
        sessions: 0,
    };
    assert_eq!(store.delete_expired(before(100)).await.unwrap(), 0);
    assert!(!store.use_request_object(&used, 100).await.unwrap());
    assert_eq!(store.delete_expired(before(101)).await.unwrap(), 2);
}

pub async fn delete_expired_deletes_only_expired_user_data(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("old", 10)).await;
    start(store, session("young", 20)).await;
    for (id, exp) in [("old", 100), ("young", 200_000)] {
        let code = AuthorizationCode { exp, ..code(id, id) };
        authorize(store, UserGrant { sid: id.to_owned(), ..grant(id) }, code).await;
        store.add_device(&DeviceAuthorization { exp, ..device(id, id) }).await.unwrap();
        let pushed = PushedAuthorizationRequest {
            hash: hash(id),
            client_id: "a".to_owned(),
            parameters: String::new(),
            exp,
            browser: None,
        };
        store.push_request(&pushed).await.unwrap();
    }
    let before = RetentionCutoffs {
        tokens: 150_000,
        revocations: 0,
        keys: 0,
        audit_millis: 0,
        sessions: 15,
    };
    assert_eq!(
        store.delete_expired(before).await.unwrap(),
        4,
        "a session, a grant, a device and a request"
    );
    assert_eq!(store.delete_expired(before).await.unwrap(), 0);
    assert!(
        store.session(&hash("old")).await.unwrap().is_none()
            && store.code(&hash("old")).await.unwrap().is_none()
    );
    assert!(store.session(&hash("young")).await.unwrap().is_some());
    assert!(store.code(&hash("young")).await.unwrap().is_some());
    assert!(store.pending_device("young", 10).await.unwrap().is_some());
    assert!(
        store
            .visit_pushed_request(&hash("young"), "a", &hash("own"), 10, 20)
            .await
            .unwrap()
            .is_some()
    );
    authorize(store, UserGrant { sid: "young".to_owned(), ..grant("g") }, code("c", "g")).await;
    apply(store, Change::EndSession { sid: "young".to_owned() }).await;
    let before =
        |tokens| RetentionCutoffs { tokens, revocations: 0, keys: 0, audit_millis: 0, sessions: 0 };
    let left = async || store.take_due_logout_notifications(30, 30, 10).await.unwrap().len();
    store.delete_expired(before(3_630)).await.unwrap();
    assert_eq!(left().await, 1);
    store.delete_expired(before(3_631)).await.unwrap();
    assert_eq!(left().await, 0, "expired notifications are deleted");
}

/// Ensures that the user and the session of the grant exist.
pub(super) async fn be_signed_in(store: &dyn Store, grant: &UserGrant) {
    if store.user(&grant.sub).await.unwrap().is_none() {
        add_user(store, &user(grant.sub.trim_start_matches("sub of ")), 1).await.unwrap();
    }
    if store.session_by_sid(&grant.sid).await.unwrap().is_none() {
        start(store, Session { sub: grant.sub.clone(), ..session(&grant.sid, 10) }).await;
    }
}

/// Returns whether the access token `jti` issued under this grant is revoked.
pub(super) async fn is_void(store: &dyn Store, jti: &str, grant_id: &str) -> bool {
    store.is_revoked(&with_grant_id(jti, grant_id)).await.unwrap()
}

pub(super) async fn apply(store: &dyn Store, change: Change) {
    store.apply(entry("a", "t", 30_000, change)).await.unwrap();
}

pub(super) async fn start(store: &dyn Store, session: Session) {
    apply(store, sign_in(session)).await;
}

/// Returns the sign-in of a user with the password of [`user`].
fn sign_in(session: Session) -> Change {
    let verified_hash = phc(&format!("phc of {}", session.sub.trim_start_matches("sub of ")));
    Change::StartSession { session, verified_hash }
}

/// Stores a grant with its authorization code. Starts the session of the grant if it does not
/// exist.
async fn authorize(store: &dyn Store, grant: UserGrant, code: AuthorizationCode) {
    be_signed_in(store, &grant).await;
    apply(
        store,
        Change::Authorize(Box::new(Authorization { grant, code, consent: None, pushed: None })),
    )
    .await;
}

pub(super) fn hash(text: &str) -> TokenHash {
    TokenHash::of_text(text)
}

pub(super) fn phc(text: &str) -> SecretHash {
    SecretHash::Argon2id(text.to_owned())
}

pub(super) fn user(name: &str) -> User {
    User {
        sub: format!("sub of {name}"),
        username: name.to_owned(),
        password: phc(&format!("phc of {name}")),
        claims: StandardClaims {
            nickname: Some(format!("{name} 爱丽丝")),
            ..StandardClaims::default()
        },
        enabled: true,
        device_generation: 0,
    }
}

fn session(sid: &str, auth_time: i64) -> Session {
    Session {
        hash: hash(sid),
        sid: sid.to_owned(),
        sub: "sub of alice".to_owned(),
        auth_time,
        last_seen: auth_time,
        address: "127.0.0.1".to_owned(),
        user_agent: "a browser".to_owned(),
    }
}

pub(super) fn grant(grant_id: &str) -> UserGrant {
    UserGrant {
        grant_id: grant_id.to_owned(),
        client_id: "a".to_owned(),
        sub: "sub of alice".to_owned(),
        sid: "s".to_owned(),
        scope: "openid email".parse().unwrap(),
        resources: GrantResources::Named(vec!["http://b".to_owned()]),
        auth_time: 5,
        auth_time_requested: true,
        offline: false,
    }
}

pub(super) fn code(text: &str, nonce: &str) -> AuthorizationCode {
    AuthorizationCode {
        hash: hash(text),
        redirect_uri: Some("http://a/callback".to_owned()),
        code_challenge: None,
        nonce: Some(nonce.to_owned()),
        exp: 90,
    }
}

/// Returns an issuance with an opaque access token and a refresh token.
pub(super) fn issued(grant_id: &str, jti: &str, spends: Option<OneTimeCredential>) -> UserIssuance {
    UserIssuance {
        grant_id: grant_id.to_owned(),
        spends,
        exp: 500,
        opaque: Some(opaque(jti, 500)),
        refresh_token: Some(NewRefreshToken {
            hash: hash(&format!("refresh of {jti}")),
            number: 7,
            exp: 1_000,
        }),
    }
}

fn device(code: &str, user_code: &str) -> DeviceAuthorization {
    DeviceAuthorization {
        hash: hash(code),
        user_code: user_code.to_owned(),
        client_id: "a".to_owned(),
        scope: "openid".parse().unwrap(),
        resources: GrantResources::Inferred(Some("http://b".to_owned())),
        exp: 100,
        poll_interval_seconds: 5,
    }
}
