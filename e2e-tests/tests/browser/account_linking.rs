use crate::{servers::Servers, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn known_email_is_linked_only_by_the_account_owner() {
    let servers = Servers::with_two_platforms().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    let account = browser.text("account-id").await;
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    browser.screenshot("a-home-two").await;

    // The same e-mail address at another provider may belong to another person.
    browser.press("login-other").await;
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    browser.shows_error("email_taken").await;
    assert!(!browser.has("login-other").await, "only the linked provider is offered");
    browser.screenshot("a-email-taken").await;

    // A user who can log in with both providers may link them.
    browser.press("login-platform").await;
    browser.sign_in(ALICE).await;
    assert_eq!(browser.text("account-id").await, account);
    browser.press("link-other").await;
    // The other provider already has a session and the consent.
    assert_eq!(browser.text("account-id").await, account);
    assert_eq!(browser.count("button.unlink").await, 2, "{}", browser.visible_text().await);
    browser.screenshot("a-account-two").await;

    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    browser.press("login-other").await;
    assert_eq!(browser.text("account-id").await, account, "both providers lead to one account");
}
