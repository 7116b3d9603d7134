//! Device authorizations (RFC 8628).

use futures_util::future::join_all;

use super::fixtures::{apply, be_signed_in, device, entry, grant, hash, issued};
use crate::{
    domain::{DeviceCodeStatus, OneTimeCredential},
    storage::{Change, DeviceDecision, Store, StoreError},
};

pub async fn device_polls_the_decision_of_its_user(store: &dyn Store) {
    assert!(store.add_device(&device("d", "BCDF-GHJK")).await.unwrap());
    assert!(
        !store.add_device(&device("other", "BCDF-GHJK")).await.unwrap(),
        "the user code is already in use"
    );
    assert_eq!(
        store.pending_device("BCDF-GHJK", 10).await.unwrap(),
        Some(device("d", "BCDF-GHJK"))
    );
    assert_eq!(store.pending_device("BCDF-GHJK", 100).await.unwrap(), None);
    let answer = async |now| store.poll_device(&hash("d"), "a", now).await.unwrap().unwrap().status;
    assert_eq!(answer(10).await, DeviceCodeStatus::Pending);
    assert!(
        store.poll_device(&hash("d"), "b", 14).await.unwrap().is_none(),
        "issued to another client"
    );
    assert_eq!(answer(12).await, DeviceCodeStatus::SlowDown);
    assert_eq!(
        answer(20).await,
        DeviceCodeStatus::SlowDown,
        "five seconds more than the initial interval"
    );
    assert_eq!(answer(60).await, DeviceCodeStatus::Pending);
    assert!(store.poll_device(&hash("d"), "b", 79).await.unwrap().is_none());
    assert!(store.poll_device(&hash("x"), "a", 10).await.unwrap().is_none());

    be_signed_in(store, &grant("g")).await;
    let deciding = (0..20).map(|n| {
        let decision =
            DeviceDecision { device: hash("d"), exp: 100, grant: Some(grant(&format!("g{n}"))) };
        store.apply(entry("a", "t", 30_000, Change::DecideDevice(Box::new(decision))))
    });
    let results = join_all(deciding).await;
    let won = results.iter().position(Result::is_ok).unwrap();
    assert_eq!(
        results.iter().filter(|result| matches!(result, Err(StoreError::AlreadyConsumed))).count(),
        19
    );
    let allowed = |consumed| DeviceCodeStatus::Approved {
        grant: Box::new(grant(&format!("g{won}"))),
        revoked: false,
        consumed,
    };
    assert_eq!(answer(80).await, allowed(false));
    let consumes = Some(OneTimeCredential::DeviceCode(hash("d")));
    apply(store, Change::IssueTokens(Box::new(issued(&format!("g{won}"), "t1", consumes)))).await;
    assert_eq!(answer(90).await, allowed(true));
    assert_eq!(store.pending_device("BCDF-GHJK", 10).await.unwrap(), None);
}

pub async fn denied_device_polls_denied(store: &dyn Store) {
    store.add_device(&device("d", "BCDF-GHJK")).await.unwrap();
    let no = DeviceDecision { device: hash("d"), exp: 100, grant: None };
    apply(store, Change::DecideDevice(Box::new(no))).await;
    assert_eq!(
        store.poll_device(&hash("d"), "a", 10).await.unwrap().unwrap().status,
        DeviceCodeStatus::Denied
    );
}
