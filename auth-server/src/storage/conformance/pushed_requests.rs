//! Pushed authorization requests (RFC 9126) and request objects (RFC 9101).

use futures_util::future::join_all;

use super::fixtures::{be_signed_in, code, entry, grant, hash};
use crate::{
    domain::PushedAuthorizationRequest,
    storage::{Authorization, Change, RetentionCutoffs, Store},
};

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
