//! Sessions of users, and decisions that require one.

use futures_util::future::join_all;

use super::{
    administration::{add_user, disable_user, set_password},
    fixtures::{
        apply, authorize, be_signed_in, code, device, entry, grant, hash, is_revoked, issued, phc,
        session, sign_in, start, user,
    },
};
use crate::{
    domain::{Session, UserGrant},
    storage::{Authorization, Change, DeviceDecision, RetentionCutoffs, Store, StoreError},
};

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
    let result = store.apply(entry("a", "t", 30_000, sign_in(bobs))).await;
    assert!(matches!(result, Err(StoreError::SessionEnded)));
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

pub async fn sign_in_fails_if_the_password_changed_meanwhile(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    set_password(store, "alice", &phc("a new one"), 20).await.unwrap();
    let result = store.apply(entry("a", "t", 30_000, sign_in(session("s", 10)))).await;
    assert!(matches!(result, Err(StoreError::SessionEnded)));
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

pub async fn ending_a_session_revokes_grants_that_are_not_offline(store: &dyn Store) {
    let offline = UserGrant { offline: true, client_id: "b".to_owned(), ..grant("offline") };
    for (grant, jti) in [(grant("online"), "t1"), (offline, "t2")] {
        let id = grant.grant_id.clone();
        authorize(store, grant, code(&id, &id)).await;
        apply(store, Change::IssueTokens(Box::new(issued(&id, jti, None)))).await;
    }
    apply(store, Change::EndSession { sid: "s".to_owned() }).await;
    assert!(is_revoked(store, "t1", "online").await && !is_revoked(store, "t2", "offline").await);
}
