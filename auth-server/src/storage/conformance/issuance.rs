//! Issuance of tokens: each code and refresh token is consumed once.

use futures_util::future::join_all;

use super::fixtures::{
    all, apply, authorize, code, entry, grant, hash, is_revoked, issued, opaque,
};
use crate::{
    domain::{OneTimeCredential, UserIssuance},
    storage::{Change, RetentionCutoffs, Store, StoreError},
};

pub async fn concurrent_redemptions_of_a_code_succeed_once(store: &dyn Store) {
    authorize(store, grant("g"), code("c", "g")).await;
    let stored = store.code(&hash("c")).await.unwrap().unwrap();
    assert_eq!((stored.code, stored.grant), (code("c", "g"), grant("g")));
    assert!(!stored.consumed && !stored.revoked && store.code(&hash("x")).await.unwrap().is_none());
    one_of_many_wins(store, OneTimeCredential::AuthorizationCode(hash("c"))).await;
    assert!(store.code(&hash("c")).await.unwrap().unwrap().consumed);
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
    let consumed = Change::IssueTokens(Box::new(issued(
        "g",
        "late",
        Some(OneTimeCredential::RefreshToken(first)),
    )));
    assert!(matches!(
        store.apply(entry("a", "late", 30_000, consumed)).await,
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
    assert!(store.grant("g").await.unwrap().is_none() && is_revoked(store, "second", "g").await);
}

/// Consumes a credential in 64 concurrent requests: one succeeds, and the others store nothing.
async fn one_of_many_wins(store: &dyn Store, consumes: OneTimeCredential) {
    let before = all(store).await.len();
    let requests = (0..64).map(|n| {
        let jti = format!("t{n}");
        store.apply(entry(
            "a",
            &jti,
            30_000,
            Change::IssueTokens(Box::new(issued("g", &jti, Some(consumes)))),
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
