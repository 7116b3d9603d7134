//! Login at A with an account at C, both on PostgreSQL.

use e2e_tests::{browser::BlockingBrowser, fixed_ports::use_fixed_ports, harness::Harness};
use service_kit::SecretSetting;
use test_support::postgres::shared;

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

struct Servers {
    harness: Harness,
    of_a: String,
    of_c: String,
}

impl Servers {
    async fn new() -> Self {
        let (of_a, of_c) = (shared().fresh_database(), shared().fresh_database());
        let harness = Harness::start_with(|settings| {
            use_fixed_ports(settings, "");
            settings.service_a.database_url = Some(SecretSetting::new(&*of_a));
            settings.auth_server.database_url = Some(SecretSetting::new(&*of_c));
        });
        Self { harness: harness.await, of_a, of_c }
    }

    /// Runs `actions` with a new browser: browser, address of A, address of C.
    async fn browse(
        &self,
        actions: impl FnOnce(&mut BlockingBrowser<'_>, &str, &str) -> anyhow::Result<()>
        + Send
        + 'static,
    ) {
        let at = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
        let (a, c) = (at(self.harness.addresses.service_a), at(self.harness.addresses.auth_server));
        let browsing = tokio::task::spawn_blocking(move || {
            actions(
                &mut BlockingBrowser::with_origins([(&*a, a.clone()), (&*c, c.clone())])?,
                &a,
                &c,
            )
        });
        browsing.await.unwrap().unwrap();
    }

    /// Returns the number of rows in a table of A, and in a table of C.
    fn rows(&self, of_a: &str, of_c: &str) -> (usize, usize) {
        let count = |url: &str, table: &str| {
            let name = url.rsplit('/').next().unwrap();
            shared().execute_in(name, &format!("SELECT count(*) FROM {table}")).parse().unwrap()
        };
        (count(&self.of_a, of_a), count(&self.of_c, of_c))
    }
}

fn log_in(browser: &mut BlockingBrowser<'_>, a: &str, c: &str) -> anyhow::Result<()> {
    browser.open(&format!("{a}/login/platform"))?;
    assert!(browser.address().starts_with(&format!("{c}/login")), "{}", browser.address());
    browser.press("login-submit", &ALICE)?;
    if browser.has("consent-allow") {
        browser.press("consent-allow", &[])?;
    }
    assert_eq!(browser.address(), format!("{a}/account"), "{}", browser.html());
    assert!(browser.html().contains("alice@example.com"), "{}", browser.html());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn login_call_and_logout_with_a_and_c_on_postgresql() {
    let servers = Servers::new().await;
    servers
        .browse(|alice, a, c| {
            log_in(alice, a, c)?;
            for target in ["local", "introspection"] {
                alice.open(&format!("{a}/my-resource?target={target}"))?;
                assert!(alice.has("my-resource-answer"), "{}", alice.html());
            }
            Ok(())
        })
        .await;
    assert_eq!(servers.rows("accounts", "sessions"), (1, 1));
    // In another browser the login finds the same account. Logout there ends the sessions of that
    // browser.
    servers
        .browse(|alice, a, c| {
            log_in(alice, a, c)?;
            alice.open(&format!("{a}/account"))?;
            alice.press("logout-submit", &[])?;
            assert!(alice.has("logged-out") && alice.address().starts_with(a), "{}", alice.html());
            Ok(())
        })
        .await;
    assert_eq!(servers.rows("accounts", "consents"), (1, 1));
    assert_eq!(servers.rows("sessions", "sessions"), (1, 1), "those of the first browser");
}
