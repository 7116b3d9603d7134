use std::time::Duration;

use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    test_server::{ALICE, FORUM, ODD, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, SITE, TestServer},
};

#[tokio::test]
async fn revoked_token_is_inactive_immediately() {
    let server = TestServer::start().await;
    for client in [SHOP, OPAQUE_SHOP] {
        let token = server.access_token(client, &[("resource", ORDERS_API)]).await;
        let other_token = server.access_token(client, &[("resource", ORDERS_API)]).await;
        assert!(server.is_active(ORDERS, &token).await);
        for _ in 0..2 {
            let response = server.revoke(client, &token).await;
            assert_eq!((response.status, response.text.as_str()), (200, ""));
            assert_eq!(response.header("cache-control"), "no-store");
            assert!(!server.is_active(ORDERS, &token).await);
        }
        assert!(server.is_active(ORDERS, &other_token).await);
    }
}

#[tokio::test]
async fn revoking_a_refresh_token_revokes_its_grant() {
    let server = TestServer::start().await;
    let auth_request =
        AuthorizationRequest::site().with("scope", "openid offline_access orders:read");
    for spent in [false, true] {
        let browser = Browser::new(&server);
        let first = browser.tokens(&auth_request, ALICE, SITE).await;
        let text =
            |tokens: &serde_json::Value, name: &str| tokens[name].as_str().unwrap().to_owned();
        let second = server.refresh(SITE, &text(&first, "refresh_token"), &[]).await.json();
        let others =
            text(&Browser::new(&server).tokens(&auth_request, ALICE, SITE).await, "refresh_token");

        let presented = text(if spent { &first } else { &second }, "refresh_token");
        server.revoke(FORUM, &presented).await.assert_error(
            400,
            "unauthorized_client",
            "issued to another client",
        );
        for access in [&first, &second].map(|tokens| text(tokens, "access_token")) {
            assert!(
                server.is_active(ORDERS, &access).await,
                "another client cannot revoke the token"
            );
        }
        for _ in 0..2 {
            let form = [("client_id", SITE.0), ("client_secret", SITE.1), ("token", &presented)];
            let hinted = [&form[..], &[("token_type_hint", "access_token")]].concat();
            assert_eq!(
                server.post_form("/oauth/revoke", &hinted).await.status,
                200,
                "a hint may be wrong"
            );
        }
        for access in [&first, &second].map(|tokens| text(tokens, "access_token")) {
            assert!(!server.is_active(ORDERS, &access).await);
            assert_eq!(server.userinfo(&access).await.status, 401);
        }
        server.refresh(SITE, &text(&second, "refresh_token"), &[]).await.assert_error(
            400,
            "invalid_grant",
            "revoked",
        );
        assert_eq!(
            server.refresh(SITE, &others, &[]).await.status,
            200,
            "the grant of another browser stays valid"
        );
    }
}

#[tokio::test]
async fn revoking_an_invalid_token_succeeds() {
    let server = TestServer::start().await;
    for unknown in ["garbage", "gpat_unknown", "gprt_unknown", "a.b.c"] {
        assert_eq!(server.revoke(SHOP, unknown).await.status, 200);
    }
    let token = server.access_token(SHOP, &[]).await;
    server.clock.advance(Duration::from_secs(1_800));
    assert_eq!(server.revoke(SHOP, &token).await.status, 200);
}

#[tokio::test]
async fn token_of_another_client_cannot_be_revoked() {
    let server = TestServer::start().await;
    for owner in [SHOP, OPAQUE_SHOP] {
        let token = server.access_token(owner, &[("resource", ORDERS_API)]).await;
        for other_client in [ODD, ORDERS] {
            let response = server.revoke(other_client, &token).await;
            response.assert_error(400, "unauthorized_client", "issued to another client");
        }
        assert!(server.is_active(ORDERS, &token).await);
    }
}

#[tokio::test]
async fn revocation_requires_client_authentication() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    server.revoke((SHOP.0, "guess"), &token).await.assert_error(401, "invalid_client", "wrong");
    server.post_form("/oauth/revoke", &[("token", &token)]).await.assert_error(
        401,
        "invalid_client",
        "client_id is missing",
    );
    let own = [("client_id", SHOP.0), ("client_secret", SHOP.1)];
    server.post_form("/oauth/revoke", &own).await.assert_error(
        400,
        "invalid_request",
        "token is missing",
    );
    assert!(server.is_active(ORDERS, &token).await);
}

#[tokio::test]
async fn revoked_token_stays_revoked_after_a_clock_was_ahead() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert!(server.is_active(ORDERS, &token).await);
    assert_eq!(server.revoke(SHOP, &token).await.status, 200);
    let ahead = Duration::from_secs(2 * 3_600);
    server.clock.advance(ahead);
    let file =
        SqliteConnectOptions::new().filename(server.settings.data_dir.join("auth-server.db"));
    let database = SqlitePool::connect_with(file).await.unwrap();
    let ancient =
        "INSERT INTO audit_log (at_millis, event, outcome) VALUES (0, 'token', 'rejected')";
    let left = "SELECT count(*) FROM audit_log WHERE at_millis = 0";
    // The first one may be deleted by work that has begun before.
    for _ in 0..2 {
        sqlx::query(ancient).execute(&database).await.unwrap();
        wait_until("expired rows are deleted", async || {
            sqlx::query_scalar::<_, i64>(left).fetch_one(&database).await.unwrap() == 0
        })
        .await;
    }
    server.clock.set_back(ahead);
    assert!(!server.is_active(ORDERS, &token).await);
}
