//! Changes and their audit records: both are stored, or neither.

use futures_util::future::join_all;

use super::fixtures::{all, entry, opaque};
use crate::{
    domain::TokenHash,
    storage::{Change, Store, StoreError},
};

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
    let rejected: Vec<_> =
        results.iter().enumerate().filter(|(_, result)| result.is_err()).collect();
    assert!(
        matches!(rejected[..], [(25, Err(StoreError::ConstraintViolation(_)))]),
        "{rejected:?}"
    );
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
