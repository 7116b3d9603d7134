use e2e_tests::http::until;

use crate::{browser::Browser, servers::Servers, user_actions::ALICE};

/// Opens A's account page. Returns whether A rejects it.
async fn is_logged_out_at_a(browser: &Browser, servers: &Servers) -> bool {
    browser.go(servers.a("/account")).await;
    browser.has("error").await
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_at_a_ends_the_session_at_c() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.log_in_and_allow(&servers).await;
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    assert!(browser.current_url().await.as_str().starts_with(&servers.a("/")));
    browser.screenshot("a-logged-out").await;
    assert!(is_logged_out_at_a(&browser, &servers).await);
    browser.go(servers.c("/account")).await;
    browser.find("login-submit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_sessions_at_a_in_all_browsers() {
    let servers = Servers::new().await;
    let (here, there) = (servers.browser().await, servers.browser().await);
    here.log_in_and_allow(&servers).await;
    there.log_in_again(&servers).await;
    there.go(servers.c("/account")).await;
    there.press("sign-out-everywhere").await;
    there.find("login-submit").await;
    // C notifies A over the back channel.
    for browser in [&here, &there] {
        until("A has ended the session", async || is_logged_out_at_a(browser, &servers).await)
            .await;
        browser.shows_error("not_logged_in").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_can_be_ended_from_another_browser() {
    let servers = Servers::new().await;
    let (here, there) = (servers.browser().await, servers.browser().await);
    here.log_in_and_allow(&servers).await;
    there.log_in_again(&servers).await;
    there.go(servers.c("/account")).await;
    let words = there.visible_text().await;
    assert_eq!(words.matches("Chrome on Linux").count(), 2, "{words}");
    there.screenshot("c-account").await;
    there.press_css("button.end-session").await;
    assert!(there.text("notice").await.contains("has ended"));
    until("A has ended the session", async || is_logged_out_at_a(&here, &servers).await).await;
    assert!(!is_logged_out_at_a(&there, &servers).await, "the other session continues");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_link_without_hint_asks_for_confirmation() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.go(servers.c("/login")).await;
    browser.sign_in(ALICE).await;
    browser.find("sign-out").await;
    browser.go(servers.c("/logout")).await;
    browser.find("logout-stay").await;
    browser.screenshot("c-logout").await;
    browser.press("logout-confirm").await;
    browser.find("logged-out").await;
    browser.screenshot("c-logged-out").await;
}
