//! Back-channel logout.

use futures_util::future::join_all;

use super::fixtures::{digest, external, ids, issuer, session};
use crate::accounts::{AccountStore, BackchannelLogout};

pub async fn backchannel_logout_ends_the_sessions_of_its_sid_or_subject_once(
    store: &dyn AccountStore,
) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    for (id, sid) in [("one", "first"), ("two", "first"), ("three", "second"), ("four", "third")] {
        store.start_session(&session(id, sid), None).await.unwrap();
    }
    let logout = |jti: &str, subject: Option<&str>, sid: Option<&str>| BackchannelLogout {
        issuer: issuer("platform"),
        subject: subject.map(str::to_owned),
        sid: sid.map(str::to_owned),
        jti: jti.to_owned(),
        expires_at: 500,
    };
    let other_issuer =
        BackchannelLogout { issuer: issuer("other"), ..logout("j0", Some("ada"), None) };
    assert_eq!(
        store.apply_backchannel_logout(&other_issuer).await.unwrap(),
        Some(0),
        "other issuer"
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j1", Some("bob"), Some("first"))).await.unwrap(),
        Some(0)
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j2", None, Some("first"))).await.unwrap(),
        Some(2)
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j2", Some("ada"), None)).await.unwrap(),
        None,
        "already used"
    );
    assert!(store.load_session(&digest("three"), 0, 100).await.unwrap().is_some());
    assert_eq!(
        store.apply_backchannel_logout(&logout("j3", Some("ada"), None)).await.unwrap(),
        Some(2)
    );
    assert!(store.load_session(&digest("four"), 0, 100).await.unwrap().is_none());
}

pub async fn concurrent_backchannel_logouts_end_each_session_once(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    for id in ids(20) {
        store.start_session(&session(&id, &id), None).await.unwrap();
    }
    // Each token is sent twice.
    let logouts: Vec<_> = (0..40)
        .map(|n| BackchannelLogout {
            issuer: issuer("platform"),
            subject: Some("ada".to_owned()),
            sid: None,
            jti: format!("j{}", n / 2),
            expires_at: 500,
        })
        .collect();
    let ended = join_all(logouts.iter().map(|logout| store.apply_backchannel_logout(logout))).await;
    let taken: Vec<_> = ended.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!((taken.len(), taken.iter().sum::<u64>()), (20, 20));
}
