//! Consents of users.

use futures_util::future::join_all;

use super::{
    administration::add_user,
    fixtures::{apply, be_signed_in, code, grant, is_revoked, issued, user},
};
use crate::{
    domain::{Consent, ConsentedClaims, UserGrant},
    storage::{Authorization, Change, Store},
};

pub async fn consent_is_stored_extended_and_revoked(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    let yes = |client_id: &str, scope: &str, granted_at| Consent {
        sub: "sub of alice".to_owned(),
        client_id: client_id.to_owned(),
        scope: scope.parse().unwrap(),
        resources: [("http://b".to_owned(), scope.parse().unwrap())].into(),
        // Each consent has other claims.
        claims: ConsentedClaims::new(
            [(scope.to_owned(), vec![client_id.to_owned()])].into_iter(),
            [].into_iter(),
        ),
        granted_at,
    };
    for (n, consent) in
        [yes("a", "openid", 10), yes("b", "openid", 20), yes("a", "openid email", 30)]
            .into_iter()
            .enumerate()
    {
        let id = format!("g{n}");
        let grant = UserGrant { client_id: consent.client_id.clone(), ..grant(&id) };
        be_signed_in(store, &grant).await;
        let yes =
            Authorization { code: code(&id, &id), grant, consent: Some(consent), pushed: None };
        apply(store, Change::Authorize(Box::new(yes))).await;
        apply(store, Change::IssueTokens(Box::new(issued(&id, &format!("t{n}"), None)))).await;
    }
    let given = store.consents_of("sub of alice").await.unwrap();
    assert_eq!(given, [yes("a", "openid email", 30), yes("b", "openid", 20)]);
    apply(
        store,
        Change::RevokeConsent { sub: "sub of alice".to_owned(), client_id: "a".to_owned() },
    )
    .await;
    assert!(store.consent("sub of alice", "a").await.unwrap().is_none());
    assert_eq!(store.consent("sub of alice", "b").await.unwrap(), Some(yes("b", "openid", 20)));
    let revoked = join_all(
        [("t0", "g0"), ("t1", "g1"), ("t2", "g2")].map(|(jti, id)| is_revoked(store, jti, id)),
    )
    .await;
    assert_eq!(revoked, [true, false, true]);
}
