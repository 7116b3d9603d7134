use crate::{servers::Servers, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_sign_in_returns_to_a() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.begin_login(&servers).await;
    browser.press("login-cancel").await;
    browser.shows_error("cancelled").await;
    assert!(browser.visible_text().await.contains("You did not log in"));
    browser.screenshot("a-cancelled").await;
    browser.press("login-platform").await;
    browser.sign_in(ALICE).await;
    browser.find("consent-allow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_user_signs_in_by_a_click() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.begin_login(&servers).await;
    browser.screenshot("c-login-demo-users").await;
    browser.press("demo-bob").await;
    browser.press("consent-allow").await;
    let email = browser.text("account-email").await;
    assert!(email.contains("bob"), "{email}");
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_consent_creates_no_account() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.begin_login(&servers).await;
    browser.sign_in(ALICE).await;
    browser.press("consent-deny").await;
    browser.shows_error("cancelled").await;
    browser.go(servers.a("/account")).await;
    browser.shows_error("not_logged_in").await;
    browser.screenshot("a-not-logged-in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_is_reported_and_can_be_corrected() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.begin_login(&servers).await;
    browser.sign_in(("alice", "looking-glass")).await;
    assert!(browser.text("problem").await.contains("User name or password is wrong"));
    let name = browser.find("username").await;
    assert_eq!(
        name.value().await.unwrap().as_deref(),
        Some("alice"),
        "the user name is still filled in"
    );
    assert_eq!(browser.find("password").await.value().await.unwrap().as_deref(), Some(""));
    browser.screenshot("c-login-wrong").await;
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    browser.find("account-email").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistered_redirect_uri_ends_on_an_error_page() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser
        .go(servers.c("/oauth/authorize?client_id=service-a&redirect_uri=https://evil.example/&response_type=code"))
        .await;
    browser.find("error-title").await;
    assert!(
        browser.current_url().await.as_str().starts_with(&servers.c("/")),
        "no redirect to an unregistered URI"
    );
    browser.screenshot("c-error").await;
}
