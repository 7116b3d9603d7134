use std::time::Duration;

use crate::{
    browser::{Asking, Person},
    test_server::{ALICE, C, FORUM, ODD, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, SITE},
};

#[tokio::test]
async fn revoked_token_is_inactive_immediately() {
    let c = C::start().await;
    for client in [SHOP, OPAQUE_SHOP] {
        let token = c.pass(client, &[("resource", ORDERS_API)]).await;
        let neighbour = c.pass(client, &[("resource", ORDERS_API)]).await;
        assert!(c.is_active(ORDERS, &token).await);
        for _ in 0..2 {
            let answer = c.revoke(client, &token).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(!c.is_active(ORDERS, &token).await);
        }
        assert!(c.is_active(ORDERS, &neighbour).await);
    }
}

#[tokio::test]
async fn revoking_a_refresh_token_revokes_its_grant() {
    let c = C::start().await;
    let asking = Asking::site().with("scope", "openid offline_access orders:read");
    for spent in [false, true] {
        let person = Person::at(&c);
        let first = person.tokens(&asking, ALICE, SITE).await;
        let text =
            |tokens: &serde_json::Value, name: &str| tokens[name].as_str().unwrap().to_owned();
        let second = c.refresh(SITE, &text(&first, "refresh_token"), &[]).await.json();
        let others = text(&Person::at(&c).tokens(&asking, ALICE, SITE).await, "refresh_token");

        let shown = text(if spent { &first } else { &second }, "refresh_token");
        c.revoke(FORUM, &shown).await.refused(
            400,
            "unauthorized_client",
            "issued to another client",
        );
        for access in [&first, &second].map(|tokens| text(tokens, "access_token")) {
            assert!(c.is_active(ORDERS, &access).await, "another client's word ends nothing");
        }
        for _ in 0..2 {
            let form = [("client_id", SITE.0), ("client_secret", SITE.1), ("token", &shown)];
            let hinted = [&form[..], &[("token_type_hint", "access_token")]].concat();
            assert_eq!(c.form("/oauth/revoke", &hinted).await.status, 200, "a hint may be wrong");
        }
        for access in [&first, &second].map(|tokens| text(tokens, "access_token")) {
            assert!(!c.is_active(ORDERS, &access).await);
            assert_eq!(c.userinfo(&access).await.status, 401);
        }
        c.refresh(SITE, &text(&second, "refresh_token"), &[]).await.refused(
            400,
            "invalid_grant",
            "void",
        );
        assert_eq!(
            c.refresh(SITE, &others, &[]).await.status,
            200,
            "what another browser was allowed goes on"
        );
    }
}

#[tokio::test]
async fn revoking_an_invalid_token_succeeds() {
    let c = C::start().await;
    for unknown in ["garbage", "gpat_unknown", "gprt_unknown", "a.b.c"] {
        assert_eq!(c.revoke(SHOP, unknown).await.status, 200);
    }
    let token = c.pass(SHOP, &[]).await;
    c.clock.advance(Duration::from_secs(1_800));
    assert_eq!(c.revoke(SHOP, &token).await.status, 200);
}

#[tokio::test]
async fn token_of_another_client_cannot_be_revoked() {
    let c = C::start().await;
    for owner in [SHOP, OPAQUE_SHOP] {
        let token = c.pass(owner, &[("resource", ORDERS_API)]).await;
        for stranger in [ODD, ORDERS] {
            let refused = c.revoke(stranger, &token).await;
            refused.refused(400, "unauthorized_client", "issued to another client");
        }
        assert!(c.is_active(ORDERS, &token).await);
    }
}

#[tokio::test]
async fn revocation_requires_client_authentication() {
    let c = C::start().await;
    let token = c.pass(SHOP, &[("resource", ORDERS_API)]).await;
    c.revoke((SHOP.0, "guess"), &token).await.refused(401, "invalid_client", "wrong");
    c.form("/oauth/revoke", &[("token", &token)]).await.refused(
        401,
        "invalid_client",
        "client_id is missing",
    );
    let own = [("client_id", SHOP.0), ("client_secret", SHOP.1)];
    c.form("/oauth/revoke", &own).await.refused(400, "invalid_request", "token is missing");
    assert!(c.is_active(ORDERS, &token).await);
}
