//! The device authorization grant (RFC 8628).

use std::time::Duration;

use serde_json::Value;

use crate::{
    browser::{AuthorizationRequest, Browser, Page},
    client::Response,
    test_server::{ALICE, ORDERS, SITE, TestServer},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn begin(server: &TestServer) -> Value {
    let fields = [("client_id", "app"), ("scope", "openid profile orders:read")];
    let response = server.post_form("/oauth/device_authorization", &fields).await;
    assert_eq!(
        (response.status, response.header("cache-control")),
        (200, "no-store"),
        "{response:?}"
    );
    response.json()
}

pub async fn poll(server: &TestServer, device: &Value) -> Response {
    server
        .token_request(
            DEVICE,
            ("app", ""),
            &[("device_code", device["device_code"].as_str().unwrap())],
        )
        .await
}

pub async fn at_the_page<'a>(browser: &Browser<'a>, device: &Value) -> Page {
    let path = format!("/device?user_code={}", device["user_code"].as_str().unwrap());
    let page = browser.open(&path).await;
    let page = browser.submit(&page, &[("user_code", device["user_code"].as_str().unwrap())]).await;
    if page.path != "/login" {
        return page;
    }
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/device");
    browser
        .submit(&page, &[("user_code", &device["user_code"].as_str().unwrap().to_lowercase())])
        .await
}

#[tokio::test]
async fn device_receives_tokens_after_the_user_approves() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    assert_eq!((device["expires_in"].as_i64(), device["interval"].as_i64()), (Some(600), Some(5)));
    assert_eq!(device["verification_uri"], format!("{}/device", server.issuer()));
    poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    page.assert_contains("The App");
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    assert_eq!(page.status(), 200);
    server.clock.advance(Duration::from_secs(5));
    let tokens = poll(&server, &device).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(server.is_active(ORDERS, access).await);
    assert!(tokens["id_token"].is_string());
    server.clock.advance(Duration::from_secs(5));
    poll(&server, &device).await.assert_error(400, "invalid_grant", "used before");
    assert!(!server.is_active(ORDERS, access).await);
}

#[tokio::test]
async fn device_grants_are_listed_and_can_be_withdrawn() {
    let server = TestServer::start().await;
    let fields = [
        ("client_id", SITE.0),
        ("client_secret", SITE.1),
        ("scope", "openid offline_access orders:read"),
    ];
    let device = server.post_form("/oauth/device_authorization", &fields).await.json();
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    browser.submit(&page, &[("decision", "allow")]).await;
    let code = [("device_code", device["device_code"].as_str().unwrap())];
    let tokens = server.token_request(DEVICE, SITE, &code).await.json();
    let page = browser.open("/account").await;
    page.assert_contains("value=\"site\"");
    let csrf = page.csrf();
    browser.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    server.refresh(SITE, refresh_token, &[]).await.assert_error(400, "invalid_grant", "revoked");
    assert!(!browser.open("/account").await.text().contains("value=\"site\""));
}

#[tokio::test]
async fn polling_by_another_client_does_not_slow_the_device() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    let code = device["device_code"].as_str().unwrap();
    for _ in 0..3 {
        server.token_request(DEVICE, SITE, &[("device_code", code)]).await.assert_error(
            400,
            "invalid_grant",
            "another client",
        );
    }
    poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
}

#[tokio::test]
async fn polling_too_often_returns_slow_down() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    poll(&server, &device).await.assert_error(400, "authorization_pending", "");
    server.clock.advance(Duration::from_secs(4));
    poll(&server, &device).await.assert_error(400, "slow_down", "interval by 5 seconds");
    server.clock.advance(Duration::from_secs(9));
    poll(&server, &device).await.assert_error(400, "slow_down", "");
    server.clock.advance(Duration::from_secs(15));
    poll(&server, &device).await.assert_error(400, "authorization_pending", "");
}

#[tokio::test]
async fn denied_and_expired_device_codes_return_their_errors() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    browser.submit(&page, &[("decision", "deny")]).await;
    poll(&server, &device).await.assert_error(400, "access_denied", "denied");
    let device = begin(&server).await;
    server.clock.advance(Duration::from_secs(600));
    poll(&server, &device).await.assert_error(400, "expired_token", "device_code expired");
    let page = at_the_page(&browser, &device).await;
    assert_eq!(page.status(), 400, "the user cannot decide after the expiry either");
    let foreign = [("device_code", device["device_code"].as_str().unwrap())];
    server.token_request(DEVICE, SITE, &foreign).await.assert_error(
        400,
        "invalid_grant",
        "another client",
    );
}

#[tokio::test]
async fn user_code_guesses_are_rate_limited() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let mut page = browser.open("/device").await;
    for _ in 0..5 {
        page = browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await;
        assert_eq!(page.status(), 400);
    }
    assert_eq!(browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await.status(), 429);
}
