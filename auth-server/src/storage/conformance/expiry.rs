//! Deletion of expired rows.

use super::{
    administration::add_user,
    fixtures::{
        all, apply, authorize, code, device, entry, grant, hash, opaque, session, start, user,
    },
    keys::{install_keys, key, rotate_keys, states},
};
use crate::{
    domain::{AuthorizationCode, DeviceAuthorization, PushedAuthorizationRequest, UserGrant},
    storage::{Change, RetentionCutoffs, Store},
};

pub async fn delete_expired_deletes_only_expired_rows(store: &dyn Store) {
    let (old, young) = (opaque("old", 100), opaque("young", 200));
    store.apply(entry("a", "old", 1_000, Change::StoreOpaqueToken(old.clone()))).await.unwrap();
    store.apply(entry("a", "young", 2_000, Change::StoreOpaqueToken(young.clone()))).await.unwrap();
    store
        .apply(entry("a", "r1", 2_000, Change::RevokeToken { jti: "r1".to_owned(), exp: 100 }))
        .await
        .unwrap();
    store
        .apply(entry("a", "r2", 2_000, Change::RevokeToken { jti: "r2".to_owned(), exp: 200 }))
        .await
        .unwrap();
    install_keys(store, &key("one"), &key("two"), 5).await.unwrap();
    rotate_keys(store, "one", &key("three"), 50).await.unwrap();
    rotate_keys(store, "two", &key("four"), 150).await.unwrap();
    let gone = store
        .delete_expired(RetentionCutoffs {
            tokens: 150,
            revocations: 150,
            keys: 100,
            audit_millis: 1_500,
            sessions: 100,
        })
        .await
        .unwrap();
    assert_eq!(gone, 4, "a token, a revocation, a key and an audit record");
    assert!(store.opaque_token(&old.hash).await.unwrap().is_none());
    assert!(store.opaque_token(&young.hash).await.unwrap().is_some());
    assert!(!store.is_revoked("r1").await.unwrap() && store.is_revoked("r2").await.unwrap());
    assert_eq!(all(store).await.len(), 6, "three of tokens, three of keys");
    let states = states(store).await;
    assert!(!states.contains_key("one") && states.contains_key("two"));
}

pub async fn delete_expired_deletes_only_expired_user_data(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("old", 10)).await;
    start(store, session("young", 20)).await;
    for (id, exp) in [("old", 100), ("young", 200_000)] {
        let code = AuthorizationCode { exp, ..code(id, id) };
        authorize(store, UserGrant { sid: id.to_owned(), ..grant(id) }, code).await;
        store.add_device(&DeviceAuthorization { exp, ..device(id, id) }).await.unwrap();
        let pushed = PushedAuthorizationRequest {
            hash: hash(id),
            client_id: "a".to_owned(),
            parameters: String::new(),
            exp,
            browser: None,
        };
        store.push_request(&pushed).await.unwrap();
    }
    let before = RetentionCutoffs {
        tokens: 150_000,
        revocations: 0,
        keys: 0,
        audit_millis: 0,
        sessions: 15,
    };
    assert_eq!(
        store.delete_expired(before).await.unwrap(),
        4,
        "a session, a grant, a device and a request"
    );
    assert_eq!(store.delete_expired(before).await.unwrap(), 0);
    assert!(
        store.session(&hash("old")).await.unwrap().is_none()
            && store.code(&hash("old")).await.unwrap().is_none()
    );
    assert!(store.session(&hash("young")).await.unwrap().is_some());
    assert!(store.code(&hash("young")).await.unwrap().is_some());
    assert!(store.pending_device("young", 10).await.unwrap().is_some());
    assert!(
        store
            .visit_pushed_request(&hash("young"), "a", &hash("own"), 10, 20)
            .await
            .unwrap()
            .is_some()
    );
    authorize(store, UserGrant { sid: "young".to_owned(), ..grant("g") }, code("c", "g")).await;
    apply(store, Change::EndSession { sid: "young".to_owned() }).await;
    let before =
        |tokens| RetentionCutoffs { tokens, revocations: 0, keys: 0, audit_millis: 0, sessions: 0 };
    let left = async || store.take_due_logout_notifications(30, 30, 10).await.unwrap().len();
    store.delete_expired(before(3_630)).await.unwrap();
    assert_eq!(left().await, 1);
    store.delete_expired(before(3_631)).await.unwrap();
    assert_eq!(left().await, 0, "expired notifications are deleted");
}
