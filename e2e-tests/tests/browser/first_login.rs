use std::time::Duration;

use crate::{servers::Servers, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn first_login_creates_an_account() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.go(servers.a("/")).await;
    browser.screenshot("a-home").await;
    browser.press("login-platform").await;
    browser.find("username").await;
    assert!(
        browser.current_url().await.as_str().starts_with(&servers.c("/login")),
        "only C may ask for the password"
    );
    browser.screenshot("c-login").await;
    browser.sign_in(ALICE).await;
    browser.find("consent-allow").await;
    let words = browser.visible_text().await;
    assert!(words.contains("Little Shop") && words.contains("See your e-mail address"), "{words}");
    browser.screenshot("c-consent").await;
    browser.press("consent-allow").await;
    assert_eq!(browser.text("account-email").await, "alice@example.com");
    assert_eq!(browser.text("account-nickname").await, "小爱");
    let never_told = browser.text("never-told").await;
    assert!(never_told.contains("password"), "{never_told}");
    assert!(browser.text("first-login").await.contains("An account was made for you"));
    let drawn =
        browser.evaluate("document.getElementById('account-picture').naturalWidth > 0").await;
    assert_eq!(drawn, true, "the picture is not displayed");
    browser.screenshot("a-account").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_login_finds_the_account_without_consent() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    let account = browser.text("account-id").await;
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    servers.harness.clock.advance(Duration::from_secs(1));
    browser.log_in_again(&servers).await;
    assert_eq!(browser.text("account-id").await, account);
    assert!(browser.text("recognized").await.contains("Welcome back"));
    browser.screenshot("a-account-again").await;
    // The session at C is still open, so the login needs no interaction.
    let cookies = browser.0.get_all_cookies().await.unwrap();
    let session =
        cookies.iter().find(|cookie| cookie.name.starts_with("gatepass-a-session")).unwrap();
    browser.0.delete_cookie(session.name.clone()).await.unwrap();
    browser.go(servers.a("/")).await;
    browser.press("login-platform").await;
    assert_eq!(browser.text("account-id").await, account);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_bs_respond_for_the_user() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    browser.press("my-resource").await;
    let verified_locally = browser.text("my-resource-answer").await;
    assert!(verified_locally.contains("\"client_id\": \"service-a\""), "{verified_locally}");
    browser.screenshot("a-my-resource").await;
    browser.go(servers.a("/my-resource?target=introspection")).await;
    let introspected = browser.text("my-resource-answer").await;
    // Alice's subject in the users file of the demo.
    for response in [verified_locally, introspected] {
        assert!(response.contains("6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"), "{response}");
    }
}

/// The policy of the page allows its style by its hash.
#[tokio::test(flavor = "multi_thread")]
async fn page_of_b_says_what_b_is_and_has_its_style() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.go(format!("http://{}/", servers.harness.addresses.b_local)).await;
    let text = browser.visible_text().await;
    assert!(text.contains("This is B") && !text.contains("这是资源服务器 B"), "{text}");
    let width = browser.evaluate("getComputedStyle(document.body).maxWidth").await;
    assert_eq!(width, "640px", "the style is not applied");
    browser.screenshot("b-home").await;
}
