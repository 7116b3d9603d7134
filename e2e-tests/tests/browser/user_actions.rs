//! Actions of a user at A and C.

use crate::{browser::Browser, servers::Servers};

/// User name and password of a demo user.
pub const ALICE: (&str, &str) = ("alice", "wonderland");

impl Browser {
    pub async fn sign_in(&self, (name, password): (&str, &str)) {
        self.fill_in("username", name).await;
        self.fill_in("password", password).await;
        self.press("login-submit").await;
    }

    /// Opens A's home page and goes to C's sign-in page.
    pub async fn begin_login(&self, servers: &Servers) {
        self.go(servers.a("/")).await;
        self.press("login-platform").await;
        self.find("username").await;
    }

    /// Logs in for the first time, which needs consent.
    pub async fn log_in_and_allow(&self, servers: &Servers) {
        self.begin_login(servers).await;
        self.sign_in(ALICE).await;
        self.press("consent-allow").await;
        self.find("account-email").await;
    }

    /// Logs in again. The consent is stored.
    pub async fn log_in_again(&self, servers: &Servers) {
        self.begin_login(servers).await;
        self.sign_in(ALICE).await;
        self.find("account-email").await;
    }

    /// Asserts that the page is A's error page with this code, and that it links to a next step.
    pub async fn shows_error(&self, code: &str) {
        let title = self.find("error").await;
        assert_eq!(title.attr("data-error").await.unwrap().as_deref(), Some(code));
        assert!(
            self.has("login-platform").await || self.has("account").await,
            "the error page has no link to a next step"
        );
    }
}
