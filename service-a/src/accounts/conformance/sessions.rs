//! Sessions.

use super::fixtures::{digest, external, session};
use crate::accounts::AccountStore;

pub async fn session_ends_at_its_idle_and_absolute_timeout(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    let session = session("s", "sid");
    store.start_session(&session, None).await.unwrap();
    assert_eq!(store.load_session(&session.id, 99, 100).await.unwrap(), Some(session.clone()));
    assert_eq!(store.load_session(&session.id, 100, 100).await.unwrap(), None, "idle");
    assert_eq!(store.load_session(&session.id, 0, 1_000).await.unwrap(), None, "expired");
    assert_eq!(store.load_session(&digest("another"), 0, 100).await.unwrap(), None);
    store.end_session(&session.id).await.unwrap();
    assert_eq!(store.load_session(&session.id, 0, 100).await.unwrap(), None);
}

pub async fn use_extends_the_idle_timeout(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.load_session(&digest("s"), 50, 500).await.unwrap().is_some());
    assert!(store.load_session(&digest("s"), 450, 900).await.unwrap().is_some(), "seen at 500");
    assert!(store.load_session(&digest("s"), 900, 950).await.unwrap().is_none());
}

pub async fn new_session_ends_the_previous_one(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("old", "sid"), None).await.unwrap();
    store.start_session(&session("new", "sid"), Some(&digest("old"))).await.unwrap();
    assert!(store.load_session(&digest("old"), 0, 100).await.unwrap().is_none());
    assert!(store.load_session(&digest("new"), 0, 100).await.unwrap().is_some());
}

pub async fn tokens_are_updated_only_in_an_existing_session(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.update_tokens(&digest("s"), b"newer").await.unwrap());
    assert_eq!(
        store.load_session(&digest("s"), 0, 100).await.unwrap().unwrap().sealed_tokens,
        b"newer"
    );
    assert!(!store.update_tokens(&digest("another"), b"newer").await.unwrap());
}
