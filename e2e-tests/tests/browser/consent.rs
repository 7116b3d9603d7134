use std::time::Duration;

use url::Url;

use crate::{browser::Browser, servers::Servers, user_actions::ALICE};

/// A client that requests more scopes later.
const CURIOUS: &str = r#"
[[clients]]
client_id = "curious"
client_secret = "abc123"
scopes = "openid profile email"
[clients.login]
client_name = "Curious"
redirect_uris = ["http://127.0.0.1:9/callback"]
"#;

async fn authorize(browser: &Browser, servers: &Servers, scope: &str) {
    let request = [
        ("client_id", "curious"),
        ("redirect_uri", "http://127.0.0.1:9/callback"),
        ("response_type", "code"),
        ("scope", scope),
    ];
    let url = Url::parse_with_params(&servers.c("/oauth/authorize"), request).unwrap();
    // Nothing listens at the redirect URI, so the navigation fails. The test only needs the URL.
    let _ = browser.0.goto(url.as_str()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn additional_scopes_need_consent_and_earlier_ones_are_marked() {
    let servers = Servers::with(CURIOUS, |_| ()).await;
    let browser = servers.browser().await;
    browser.go(servers.c("/login")).await;
    browser.sign_in(ALICE).await;
    browser.find("sign-out").await;
    authorize(&browser, &servers, "openid profile").await;
    assert!(!browser.visible_text().await.contains("You allowed this before"));
    browser.press("consent-allow").await;
    authorize(&browser, &servers, "openid profile email").await;
    assert_eq!(browser.visible_text().await.matches("You allowed this before").count(), 2);
    assert!(browser.visible_text().await.contains("See your name"));
    browser.press("consent-allow").await;
    authorize(&browser, &servers, "openid profile email").await;
    assert!(
        browser.current_url().await.as_str().starts_with("http://127.0.0.1:9/callback?code="),
        "no consent is needed for the same scopes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_consent_ends_access_when_the_token_expires() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    browser.press("my-resource").await;
    browser.find("my-resource-answer").await;
    browser.go(servers.c("/account")).await;
    browser.press_css("button.withdraw-consent").await;
    assert!(browser.text("notice").await.contains("Withdrawn"));
    browser.screenshot("c-account-withdrawn").await;
    // A's access token stays valid for 30 minutes at a B that verifies locally. Then A needs a new
    // one.
    servers.harness.clock.advance(Duration::from_secs(31 * 60));
    browser.go(servers.a("/my-resource")).await;
    browser.shows_error("no_access_token").await;
    browser.screenshot("a-no-access-token").await;
    // The error page leads back to the consent, after which A gets a token again.
    browser.press("login-platform").await;
    browser.press("consent-allow").await;
    browser.press("my-resource").await;
    browser.find("my-resource-answer").await;
}
