//! Pending logins.

use futures_util::future::join_all;

use super::fixtures::{digest, pending};
use crate::accounts::{AccountStore, PendingLogin};

pub async fn pending_login_is_consumed_once_and_only_by_its_browser(store: &dyn AccountStore) {
    let pending = PendingLogin { session: Some(digest("session")), ..pending("state", 100) };
    store.store_pending_login(&pending).await.unwrap();
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("another browser")).await.unwrap(),
        None
    );
    assert_eq!(
        store.consume_pending_login(&digest("another state"), &digest("browser")).await.unwrap(),
        None
    );
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("browser")).await.unwrap(),
        Some(pending)
    );
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("browser")).await.unwrap(),
        None
    );
}

pub async fn concurrent_responses_consume_a_pending_login_once(store: &dyn AccountStore) {
    store.store_pending_login(&pending("state", 100)).await.unwrap();
    let (state, browser) = (digest("state"), digest("browser"));
    let found = join_all((0..64).map(|_| store.consume_pending_login(&state, &browser))).await;
    assert_eq!(found.into_iter().filter(|found| found.as_ref().unwrap().is_some()).count(), 1);
}
