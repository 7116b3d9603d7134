//! Notifications of clients about sessions that have ended.

use futures_util::future::join_all;

use super::{
    administration::{add_user, disable_user, set_password},
    fixtures::{apply, authorize, code, grant, phc, session, start, user},
};
use crate::{
    domain::{LogoutNotification, UserGrant},
    storage::{Change, Store},
};

pub async fn logout_notification_is_due_until_deleted(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    for sid in ["signed out", "new password", "disabled"] {
        start(store, session(sid, 10)).await;
        authorize(store, UserGrant { sid: sid.to_owned(), ..grant(sid) }, code(sid, sid)).await;
        match sid {
            "signed out" => apply(store, Change::EndSession { sid: sid.to_owned() }).await,
            "new password" => set_password(store, "alice", &phc("phc of alice"), 30).await.unwrap(),
            _ => disable_user(store, "alice", 30).await.unwrap(),
        }
        let expected = [LogoutNotification {
            sid: sid.to_owned(),
            sub: "sub of alice".to_owned(),
            client_id: "a".to_owned(),
        }];
        let due = async |now| store.take_due_logout_notifications(now, now + 60, 10).await.unwrap();
        assert_eq!(due(30).await, expected, "{sid}");
        assert!(due(89).await.is_empty(), "another caller is delivering it");
        assert_eq!(due(90).await, expected, "it is due again if the delivery was interrupted");
        assert!(due(10_000).await.is_empty(), "an old notification is not delivered");
        assert_eq!(due(160).await, expected);
        store.delete_logout_notification(&expected[0]).await.unwrap();
        assert!(due(1_000).await.is_empty());
    }
}

pub async fn concurrent_takers_get_a_logout_notification_once(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("s", 10)).await;
    for n in 0..20 {
        let id = format!("g{n}");
        authorize(
            store,
            UserGrant { client_id: format!("client {n}"), ..grant(&id) },
            code(&id, &id),
        )
        .await;
    }
    apply(store, Change::EndSession { sid: "s".to_owned() }).await;
    let taken = join_all((0..20).map(|_| store.take_due_logout_notifications(30, 90, 3))).await;
    let mut clients: Vec<_> = taken
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|notification| notification.client_id)
        .collect();
    while let [notification, more @ ..] =
        &store.take_due_logout_notifications(30, 90, 3).await.unwrap()[..]
    {
        clients.extend(
            [notification]
                .into_iter()
                .chain(more)
                .map(|notification| notification.client_id.clone()),
        );
    }
    assert_eq!(clients.len(), 20, "{clients:?}");
    clients.sort();
    clients.dedup();
    assert_eq!(clients.len(), 20, "no client is notified twice");
}
