use std::time::Duration;

use serde_json::json;
use test_support::{
    mock::{header, json},
    signer::Signer,
};

use super::{mock_provider::MockProvider, test_site::TestSite};
use crate::test_servers::{RESOURCES, SECRET, parameter};

#[tokio::test]
async fn first_login_creates_an_account() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let home = browser.open("/").await;
    assert!(home.has("login-platform") && !home.has("logout-submit"));

    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");

    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    assert!(
        account.html.contains("https:&#x2f;&#x2f;pictures.example&#x2f;ada.png")
            && account.has("account-picture")
    );
    assert!(browser.open("/").await.has("logout-submit"));
}

#[tokio::test]
async fn account_page_says_how_the_account_was_found() {
    let site = TestSite::start().await;
    for (login, text) in
        [("first-login", "An account was made for you"), ("recognized", "Welcome back")]
    {
        let mut browser = site.browser();
        site.log_in(&mut browser).await;
        let account = browser.open("/account").await;
        assert!(account.has(login) && account.html.contains(text), "{account:?}");
        assert_eq!(account.text("recognized-issuer"), Some(site.platform.name()));
        assert!(account.text("recognized-subject").is_some_and(|subject| !subject.is_empty()));
        assert!(account.has("never-told"));
        // The next login begins a session of its own.
        site.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn authorization_and_token_requests_conform_to_the_specifications() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    assert!(request.0.as_str().starts_with(&format!("{}/authorize?", site.platform.name())));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "service-a"),
        ("redirect_uri", "http://localhost:9001/callback/platform"),
        ("scope", "openid profile email offline_access resource:read resource:write"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(request.parameter(name), value, "{name}");
    }
    assert_eq!(request.parameters("resource"), RESOURCES);
    assert_eq!((request.parameter("state").len(), request.parameter("nonce").len()), (43, 43));

    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    let exchange = site.platform.requests("/token").await.pop().unwrap();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", "http://localhost:9001/callback/platform"),
    ] {
        assert_eq!(parameter(&exchange, name).as_deref(), Some(value), "{name}");
    }
    assert!(header(&exchange, "authorization").starts_with("Basic "));
    assert!(!String::from_utf8_lossy(&exchange.body).contains(SECRET));
    assert_eq!(
        challenge(&parameter(&exchange, "code_verifier").unwrap()),
        request.parameter("code_challenge")
    );
}

/// RFC 7636 §4.2.
fn challenge(verifier: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

#[tokio::test]
async fn provider_with_rs256_works() {
    let site =
        TestSite::start_beside(MockProvider::start_with_signer(Signer::rs256("rsa")).await, |_| ())
            .await;
    site.log_in(&mut site.browser()).await;
}

#[tokio::test]
async fn userinfo_overrides_id_token_claims() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    site.platform
        .set_response("/userinfo", json(200, &json!({ "sub": "ada", "nickname": "Countess" })));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Countess"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    let userinfo_request = site.platform.requests("/userinfo").await.pop().unwrap();
    assert_eq!(header(&userinfo_request, "authorization"), "Bearer the-persons-access-token");
}
