//! Pending logins.

use futures_util::future::join_all;

use super::fixtures::{NETWORK, digest, pending};
use crate::accounts::{AccountStore, PendingLogin};

pub async fn pending_login_is_consumed_once_and_only_by_its_browser(store: &dyn AccountStore) {
    let pending = PendingLogin { session: Some(digest("session")), ..pending("state", 100) };
    store.store_pending_login(&pending, NETWORK, 9).await.unwrap();
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
    store.store_pending_login(&pending("state", 100), NETWORK, 9).await.unwrap();
    let (state, browser) = (digest("state"), digest("browser"));
    let found = join_all((0..64).map(|_| store.consume_pending_login(&state, &browser))).await;
    assert_eq!(found.into_iter().filter(|found| found.as_ref().unwrap().is_some()).count(), 1);
}

pub async fn oldest_pending_logins_of_a_network_are_deleted(store: &dyn AccountStore) {
    let other = "2001:db8::".parse().unwrap();
    store.store_pending_login(&pending("of another network", 1), other, 2).await.unwrap();
    // The clock of a server can be behind: the login that starts is never deleted.
    for (state, expires_at) in [("a", 10), ("b", 30), ("c", 20), ("d", 5)] {
        store.store_pending_login(&pending(state, expires_at), NETWORK, 2).await.unwrap();
    }
    let mut left = Vec::new();
    for state in ["of another network", "a", "b", "c", "d"] {
        let found = store.consume_pending_login(&digest(state), &digest("browser")).await.unwrap();
        left.extend(found.map(|_| state));
    }
    assert_eq!(left, ["of another network", "b", "d"]);
}
