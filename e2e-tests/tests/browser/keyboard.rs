use thirtyfour::{Key, TypingData};

use crate::{browser::Screen, servers::World, user_actions::ALICE};

impl Screen {
    async fn types(&self, keys: impl Into<TypingData>) {
        self.0.action_chain().send_keys(keys).perform().await.unwrap();
    }

    async fn focused(&self) -> String {
        self.0.active_element().await.unwrap().id().await.unwrap().unwrap_or_default()
    }

    /// Go on with Tab until this has the focus, and see that one can see it.
    async fn tab_to(&self, id: &str) {
        self.find(id).await;
        for _ in 0..20 {
            if self.focused().await == id {
                let ring = self.find(id).await.css_value("outline-style").await.unwrap();
                assert_eq!(ring, "solid", "nobody sees that `{id}` has the focus");
                return;
            }
            self.types(Key::Tab).await;
        }
        panic!("Tab does not reach `{id}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_to_log_in_and_out() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.go(world.a("/")).await;
    screen.tab_to("login-platform").await;
    screen.types(Key::Enter).await;
    screen.find("username").await;
    assert_eq!(screen.focused().await, "username", "one can type at once");
    screen.types(ALICE.0).await;
    screen.types(Key::Tab).await;
    screen.types(ALICE.1).await;
    screen.picture("c-login-focus").await;
    // Enter in a field signs in, and does not cancel.
    screen.types(Key::Enter).await;
    screen.tab_to("consent-allow").await;
    screen.picture("c-consent-focus").await;
    screen.types(Key::Enter).await;
    screen.find("account-email").await;
    screen.tab_to("logout-submit").await;
    screen.types(Key::Enter).await;
    screen.find("logged-out").await;
}
