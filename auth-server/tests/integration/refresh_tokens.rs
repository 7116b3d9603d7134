//! Refresh tokens: rotation, reuse detection, scope and expiry.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    test_server::{ALICE, FORUM, ORDERS, SITE, TestServer},
};

fn offline() -> AuthorizationRequest {
    AuthorizationRequest::site().with("scope", "openid profile offline_access orders:read")
}

fn text(tokens: &serde_json::Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("{name} of {tokens}")).to_owned()
}

#[tokio::test]
async fn refresh_returns_a_new_refresh_token() {
    let server = TestServer::start().await;
    let first = Browser::new(&server).tokens(&offline(), ALICE, SITE).await;
    server.clock.advance(Duration::from_secs(1_800));
    let second = server.refresh(SITE, &text(&first, "refresh_token"), &[]).await.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert!(server.is_active(ORDERS, &text(&second, "access_token")).await);
    let (before, after) =
        (jwt::claims(&text(&first, "id_token")), jwt::claims(&text(&second, "id_token")));
    for kept in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[kept], after[kept], "{kept}");
    }
    assert_eq!(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(), 1_800);
    assert!(after.get("nonce").is_none());
    let third = server.refresh(SITE, &text(&second, "refresh_token"), &[]).await;
    assert_eq!((third.status, third.header("cache-control")), (200, "no-store"));
}

#[tokio::test]
async fn retry_is_answered_within_the_grace_period_and_revokes_the_grant_afterwards() {
    let server = TestServer::start().await;
    let first = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let response = server.refresh(SITE, &first, &[]).await.json();
    server.clock.advance(Duration::from_secs(10));
    let second = server.refresh(SITE, &first, &[]).await.json();
    assert_eq!(response["refresh_token"], second["refresh_token"]);
    assert_ne!(response["access_token"], second["access_token"]);
    server.clock.advance(Duration::from_secs(1));
    server.refresh(SITE, &first, &[]).await.assert_error(400, "invalid_grant", "used before");
    for access in [&response, &second] {
        assert!(!server.is_active(ORDERS, &text(access, "access_token")).await);
    }
    server.refresh(SITE, &text(&response, "refresh_token"), &[]).await.assert_error(
        400,
        "invalid_grant",
        "revoked",
    );
}

#[tokio::test]
async fn reuse_after_using_the_successor_is_rejected() {
    let server = TestServer::start().await;
    let first = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let second = text(&server.refresh(SITE, &first, &[]).await.json(), "refresh_token");
    assert_eq!(server.refresh(SITE, &second, &[]).await.status, 200);
    server.refresh(SITE, &first, &[]).await.assert_error(400, "invalid_grant", "used before");
}

#[tokio::test]
async fn concurrent_refreshes_get_the_same_successor() {
    let server = TestServer::start().await;
    let first = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let responses = join_all((0..64).map(|_| server.refresh(SITE, &first, &[]))).await;
    let successors: std::collections::HashSet<_> =
        responses.iter().map(|response| text(&response.json(), "refresh_token")).collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn old_refresh_token_revokes_the_grant_and_a_forged_one_does_not() {
    let server = TestServer::start().await;
    let first = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let mut latest = first.clone();
    for _ in 0..5 {
        latest = text(&server.refresh(SITE, &latest, &[]).await.json(), "refresh_token");
    }
    for genuine in [&first, &latest] {
        // Grant id and generation are correct; the holder of an access token of the grant knows
        // them.
        let made_up = format!("{}AAAA", &genuine[..genuine.len() - 4]);
        server.refresh(SITE, &made_up, &[]).await.assert_error(400, "invalid_grant", "is unknown");
        assert_eq!(server.revoke(SITE, &made_up).await.status, 200);
    }
    latest = text(&server.refresh(SITE, &latest, &[]).await.json(), "refresh_token");
    server.refresh(SITE, &first, &[]).await.assert_error(400, "invalid_grant", "used before");
    server.refresh(SITE, &latest, &[]).await.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn refresh_token_is_bound_to_its_client_and_expires() {
    let server = TestServer::start().await;
    let token = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    server.refresh(FORUM, &token, &[]).await.assert_error(400, "invalid_grant", "another client");
    server.refresh(SITE, "gprt_made-up", &[]).await.assert_error(
        400,
        "invalid_grant",
        "is unknown",
    );
    server.clock.advance(Duration::from_secs(30 * 86_400));
    server.refresh(SITE, &token, &[]).await.assert_error(400, "invalid_grant", "expired");
}

#[tokio::test]
async fn refresh_can_narrow_the_scope_but_not_widen_it() {
    let server = TestServer::start().await;
    let token = text(&Browser::new(&server).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    server.refresh(SITE, &token, &[("scope", "openid email")]).await.assert_error(
        400,
        "invalid_scope",
        "email",
    );
    let narrow = server.refresh(SITE, &token, &[("scope", "openid")]).await.json();
    assert_eq!(narrow["scope"], "openid");
    let wide = server.refresh(SITE, &text(&narrow, "refresh_token"), &[]).await.json();
    assert_eq!(wide["scope"], "orders:read", "the grant is unchanged");
}

#[tokio::test]
async fn logout_revokes_refresh_tokens_without_offline_access() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let online =
        text(&browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await, "refresh_token");
    let kept = text(&browser.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let page = browser.open("/account").await;
    browser.submit(&page, &[]).await;
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
    server.refresh(FORUM, &online, &[]).await.assert_error(400, "invalid_grant", "revoked");
    assert_eq!(server.refresh(SITE, &kept, &[]).await.status, 200);
}

#[tokio::test]
async fn session_expiry_ends_refresh_tokens_without_offline_access() {
    let server = TestServer::start_with(|settings| {
        settings.sessions.idle_timeout_seconds = 1_000;
        settings.sessions.absolute_timeout_seconds = 2_500;
    })
    .await;
    let [idle, visited] = [Browser::new(&server), Browser::new(&server)];
    let mut online = Vec::new();
    for browser in [&idle, &visited] {
        online.push(text(
            &browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await,
            "refresh_token",
        ));
    }
    let kept = text(&idle.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    server.clock.advance(Duration::from_secs(1_000));
    assert!(visited.authorize(&AuthorizationRequest::forum()).await.redirected_to.is_some());
    online[1] = text(&server.refresh(FORUM, &online[1], &[]).await.json(), "refresh_token");
    server.clock.advance(Duration::from_secs(100));
    server.refresh(FORUM, &online[0], &[]).await.assert_error(
        400,
        "invalid_grant",
        "the session of this grant has ended",
    );
    online[1] = text(&server.refresh(FORUM, &online[1], &[]).await.json(), "refresh_token");
    server.clock.advance(Duration::from_secs(900));
    assert!(visited.authorize(&AuthorizationRequest::forum()).await.redirected_to.is_some());
    server.clock.advance(Duration::from_secs(500));
    server.refresh(FORUM, &online[1], &[]).await.assert_error(
        400,
        "invalid_grant",
        "the session of this grant has ended",
    );
    assert_eq!(server.refresh(SITE, &kept, &[]).await.status, 200);
}

#[tokio::test]
async fn password_change_revokes_every_refresh_token() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let online =
        text(&browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await, "refresh_token");
    let offline = text(&browser.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let words = ["user", "set-password", "alice"];
    let output =
        crate::process::run_with_input(&words, &server.cli_arguments(), "another wonderland").await;
    assert_eq!(output.code, Some(0), "{output:?}");
    server.refresh(FORUM, &online, &[]).await.assert_error(400, "invalid_grant", "revoked");
    server.refresh(SITE, &offline, &[]).await.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn disabling_a_user_revokes_tokens_and_sessions() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let tokens = browser.tokens(&offline(), ALICE, SITE).await;
    let output = crate::process::run(&["user", "disable", "alice"], &server.cli_arguments()).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let access = text(&tokens, "access_token");
    assert!(!server.is_active(ORDERS, &access).await);
    assert_eq!(server.userinfo(&access).await.status, 401);
    server.refresh(SITE, &text(&tokens, "refresh_token"), &[]).await.assert_error(
        400,
        "invalid_grant",
        "revoked",
    );
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert_eq!(browser.sign_in(&page, ALICE).await.status(), 400);
}
