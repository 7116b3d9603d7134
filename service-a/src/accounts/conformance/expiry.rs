//! Deletion of expired rows.

use super::fixtures::{NETWORK, digest, external, issuer, pending, session};
use crate::accounts::{AccountStore, BackchannelLogout, Session};

pub async fn only_expired_rows_are_deleted(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.store_pending_login(&pending("old", 100), NETWORK, 9).await.unwrap();
    store.store_pending_login(&pending("recently expired", 9_000), NETWORK, 9).await.unwrap();
    store
        .start_session(
            &Session { last_seen_at: 8_000, expires_at: 20_000, ..session("idle", "a") },
            None,
        )
        .await
        .unwrap();
    store
        .start_session(
            &Session { last_seen_at: 9_900, expires_at: 9_950, ..session("expired", "b") },
            None,
        )
        .await
        .unwrap();
    store
        .start_session(
            &Session { last_seen_at: 9_900, expires_at: 20_000, ..session("active", "c") },
            None,
        )
        .await
        .unwrap();
    let logout = |jti: &str, expires_at| BackchannelLogout {
        issuer: issuer("other"),
        subject: None,
        sid: Some("x".to_owned()),
        jti: jti.to_owned(),
        expires_at,
    };
    store.apply_backchannel_logout(&logout("old", 100)).await.unwrap();
    store.apply_backchannel_logout(&logout("young", 20_000)).await.unwrap();
    assert_eq!(
        store.delete_expired(9_000, 10_000).await.unwrap(),
        4,
        "two sessions, a pending login and a logout token"
    );
    assert!(store.load_session(&digest("active"), 9_000, 10_000).await.unwrap().is_some());
    assert!(
        store
            .consume_pending_login(&digest("recently expired"), &digest("browser"))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(store.apply_backchannel_logout(&logout("young", 20_000)).await.unwrap(), None);
}
