use crate::{servers::Servers, user_actions::ALICE};

/// The demo's own settings offer WeChat.
#[tokio::test(flavor = "multi_thread")]
async fn demo_links_wechat_to_an_account_and_logs_in_with_it() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    let account = browser.text("account-id").await;
    browser.press("link-wechat").await;
    browser.press("consent-allow").await;
    assert_eq!(browser.text("account-id").await, account);
    assert_eq!(browser.count("button.unlink").await, 2, "{}", browser.visible_text().await);
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    browser.screenshot("a-home-wechat").await;

    browser.press("login-wechat").await;
    browser.sign_in(ALICE).await;
    assert_eq!(browser.text("account-id").await, account);
}
