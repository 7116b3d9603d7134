use thirtyfour::{Key, TypingData};

use crate::{browser::Browser, servers::Servers, user_actions::ALICE};

impl Browser {
    async fn types(&self, keys: impl Into<TypingData>) {
        self.0.action_chain().send_keys(keys).perform().await.unwrap();
    }

    async fn focused(&self) -> String {
        self.0.active_element().await.unwrap().id().await.unwrap().unwrap_or_default()
    }

    /// Presses Tab until the element has the focus, and asserts that the focus is visible.
    async fn tab_to(&self, id: &str) {
        self.find(id).await;
        for _ in 0..20 {
            if self.focused().await == id {
                let ring = self.find(id).await.css_value("outline-style").await.unwrap();
                assert_eq!(ring, "solid", "`{id}` has no visible focus");
                return;
            }
            self.types(Key::Tab).await;
        }
        panic!("Tab does not reach `{id}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_and_logout_work_by_keyboard() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.go(servers.a("/")).await;
    browser.tab_to("login-platform").await;
    browser.types(Key::Enter).await;
    browser.find("username").await;
    assert_eq!(browser.focused().await, "username", "the first field has the focus");
    browser.types(ALICE.0).await;
    browser.types(Key::Tab).await;
    browser.types(ALICE.1).await;
    browser.screenshot("c-login-focus").await;
    // Enter in a field submits the form; it does not press Cancel.
    browser.types(Key::Enter).await;
    browser.tab_to("consent-allow").await;
    browser.screenshot("c-consent-focus").await;
    browser.types(Key::Enter).await;
    browser.find("account-email").await;
    browser.tab_to("logout-submit").await;
    browser.types(Key::Enter).await;
    browser.find("logged-out").await;
}
