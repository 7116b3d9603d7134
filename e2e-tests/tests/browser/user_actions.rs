//! What people do at A and at C, page by page.

use crate::{browser::Screen, servers::World};

/// Name and password, as the demo has them.
pub const ALICE: (&str, &str) = ("alice", "wonderland");

impl Screen {
    pub async fn sign_in(&self, (name, password): (&str, &str)) {
        self.fill_in("username", name).await;
        self.fill_in("password", password).await;
        self.press("login-submit").await;
    }

    /// From A's home to C's sign-in page.
    pub async fn begin_login(&self, world: &World) {
        self.go(world.a("/")).await;
        self.press("login-platform").await;
        self.find("username").await;
    }

    /// The first login of all: with questions.
    pub async fn log_in_and_allow(&self, world: &World) {
        self.begin_login(world).await;
        self.sign_in(ALICE).await;
        self.press("consent-allow").await;
        self.find("account-email").await;
    }

    /// A later one: what was allowed is remembered.
    pub async fn log_in_again(&self, world: &World) {
        self.begin_login(world).await;
        self.sign_in(ALICE).await;
        self.find("account-email").await;
    }

    /// It is A's page of this refusal, and it leads on.
    pub async fn is_refused(&self, refusal: &str) {
        let title = self.find("error").await;
        assert_eq!(title.attr("data-error").await.unwrap().as_deref(), Some(refusal));
        assert!(self.has("login-platform").await || self.has("account").await, "it leads nowhere");
    }
}
