use futures_util::future::join_all;
use zeroize::Zeroizing;

use crate::{
    domain::{Actor, Algorithm, KeyState, NewKey},
    storage::{AuditedChange, Store, StoreError},
};

pub async fn concurrent_key_installations_succeed_once(store: &dyn Store) {
    let pairs: Vec<_> =
        (0..10).map(|n| (key(&format!("current{n}")), key(&format!("next{n}")))).collect();
    let results =
        join_all(pairs.iter().map(|(current, next)| install_keys(store, current, next, 5))).await;
    assert_eq!(results.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    assert_eq!(store.signing_keys().await.unwrap().len(), 2);
    assert!(
        !install_keys(store, &rsa("x"), &rsa("y"), 6).await.unwrap(),
        "a database with keys gets none of another algorithm that sign at once"
    );
}

pub async fn first_key_of_an_algorithm_is_published_before_it_signs(store: &dyn Store) {
    install_keys(store, &key("one"), &key("two"), 5).await.unwrap();
    assert!(!publish_key(store, &key("x"), 6).await.unwrap(), "the algorithm has keys");
    assert!(!activate_key(store, "two", &key("x"), 6).await.unwrap(), "it signs already");
    let before = store.revision().await.unwrap();
    let fresh: Vec<_> = (0..10).map(|n| rsa(&format!("fresh{n}"))).collect();
    let results = join_all(fresh.iter().map(|key| publish_key(store, key, 7))).await;
    assert_eq!(results.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    let published = store.revision().await.unwrap();
    assert!(published > before, "running servers reload");
    let keys = store.signing_keys().await.unwrap();
    let first = keys.iter().find(|key| key.algorithm == Algorithm::RS256).unwrap();
    assert_eq!((keys.len(), first.state), (3, KeyState::Next));

    for (kid, next) in [("unknown", rsa("x")), (&first.kid, key("x"))] {
        assert!(!activate_key(store, kid, &next, 8).await.unwrap(), "no such key of the algorithm");
    }
    let fresh: Vec<_> = (0..10).map(|n| rsa(&format!("next{n}"))).collect();
    let results = join_all(fresh.iter().map(|next| activate_key(store, &first.kid, next, 9))).await;
    assert_eq!(results.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    assert!(store.revision().await.unwrap() > published, "running servers reload");
    let states = states(store).await;
    assert_eq!((states.len(), states[&first.kid]), (4, KeyState::Current { since: 9 }));
}

pub async fn rotation_advances_the_state_of_each_key(store: &dyn Store) {
    assert!(install_keys(store, &key("one"), &key("two"), 5).await.unwrap());
    assert!(rotate_keys(store, "one", &key("three"), 9).await.unwrap());
    let states = states(store).await;
    assert_eq!(states["one"], KeyState::Retired { since: 9 });
    assert_eq!(states["two"], KeyState::Current { since: 9 });
    assert_eq!(states["three"], KeyState::Next);
    // Each algorithm has one current and one next key, and rotates independently.
    assert!(publish_key(store, &rsa("four"), 12).await.unwrap());
    assert!(activate_key(store, "four", &rsa("five"), 12).await.unwrap());
    assert!(
        !rotate_keys(store, "four", &key("x"), 13).await.unwrap(),
        "a key of another algorithm does not replace it"
    );
    assert!(rotate_keys(store, "four", &rsa("six"), 13).await.unwrap());
    let states = self::states(store).await;
    assert_eq!(
        (states["four"], states["five"]),
        (KeyState::Retired { since: 13 }, KeyState::Current { since: 13 })
    );
    assert_eq!((states["two"], states["three"]), (KeyState::Current { since: 9 }, KeyState::Next));
}

pub async fn only_a_retired_key_can_be_withdrawn(store: &dyn Store) {
    install_keys(store, &key("one"), &key("two"), 5).await.unwrap();
    rotate_keys(store, "one", &key("three"), 9).await.unwrap();
    for in_use in ["two", "three", "unknown"] {
        assert!(!withdraw_key(store, in_use).await.unwrap(), "{in_use}");
    }
    let before = store.revision().await.unwrap();
    assert!(withdraw_key(store, "one").await.unwrap());
    assert!(store.revision().await.unwrap() > before, "running servers notice the change");
    assert_eq!(states(store).await.len(), 2);
    assert!(!withdraw_key(store, "one").await.unwrap());
}

pub async fn concurrent_rotations_succeed_once(store: &dyn Store) {
    install_keys(store, &key("one"), &key("two"), 5).await.unwrap();
    let fresh: Vec<_> = (0..20).map(|n| key(&format!("new{n}"))).collect();
    let results = join_all(fresh.iter().map(|next| rotate_keys(store, "one", next, 9))).await;
    assert_eq!(results.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    assert_eq!(states(store).await["two"], KeyState::Current { since: 9 });
}

pub(super) async fn states(store: &dyn Store) -> std::collections::HashMap<String, KeyState> {
    store.signing_keys().await.unwrap().into_iter().map(|key| (key.kid, key.state)).collect()
}

pub(super) fn key(kid: &str) -> NewKey {
    NewKey {
        kid: kid.to_owned(),
        algorithm: Algorithm::ES256,
        pkcs8: Zeroizing::new(vec![1, 2, 3]),
    }
}

pub(super) fn rsa(kid: &str) -> NewKey {
    NewKey { algorithm: Algorithm::RS256, ..key(kid) }
}

/// Returns whether the keys were installed.
pub(super) async fn install_keys(
    store: &dyn Store,
    current: &NewKey,
    next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let (current, next) = (current.clone(), next.clone());
    changed(store.apply(AuditedChange::install_keys(current, next, Actor::Cli, now * 1_000)).await)
}

/// Returns whether the key was published.
pub(super) async fn publish_key(
    store: &dyn Store,
    key: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    changed(store.apply(AuditedChange::publish_key(key.clone(), Actor::Cli, now * 1_000)).await)
}

/// Returns whether the key was activated.
pub(super) async fn activate_key(
    store: &dyn Store,
    kid: &str,
    next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let activate = AuditedChange::activate_key(kid, next.clone(), Actor::Cli, now * 1_000);
    changed(store.apply(activate).await)
}

/// Returns whether the key was rotated.
pub(super) async fn rotate_keys(
    store: &dyn Store,
    current: &str,
    new_next: &NewKey,
    now: i64,
) -> Result<bool, StoreError> {
    let new_next = new_next.clone();
    changed(
        store.apply(AuditedChange::rotate_key(current, new_next, Actor::Cli, now * 1_000)).await,
    )
}

/// Returns whether the key was withdrawn.
pub(super) async fn withdraw_key(store: &dyn Store, kid: &str) -> Result<bool, StoreError> {
    changed(store.apply(AuditedChange::withdraw_key(kid, Actor::Cli, 10_000)).await)
}

fn changed(result: Result<(), StoreError>) -> Result<bool, StoreError> {
    match result {
        Ok(()) => Ok(true),
        Err(StoreError::KeysChanged) => Ok(false),
        Err(error) => Err(error),
    }
}
