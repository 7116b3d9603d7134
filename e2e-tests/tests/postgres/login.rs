//! Somebody logs in to A with their account at C, and both keep what they know on PostgreSQL.

use e2e_tests::{browser::Visitor, fixed_ports::true_names, harness::Stage};
use service_kit::SecretSetting;
use test_support::postgres::shared;

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

struct World {
    stage: Stage,
    of_a: String,
    of_c: String,
}

impl World {
    async fn new() -> Self {
        let (of_a, of_c) = (shared().fresh_database(), shared().fresh_database());
        let stage = Stage::start_with(|settings| {
            true_names(settings, "");
            settings.service_a.database_url = Some(SecretSetting::new(&*of_a));
            settings.auth_server.database_url = Some(SecretSetting::new(&*of_c));
        });
        Self { stage: stage.await, of_a, of_c }
    }

    /// A story that a browser tells.
    async fn tell(
        &self,
        story: impl FnOnce(&mut Visitor<'_>, &str, &str) -> anyhow::Result<()> + Send + 'static,
    ) {
        let at = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
        let (a, c) = (at(self.stage.addresses.service_a), at(self.stage.addresses.auth_server));
        let told = tokio::task::spawn_blocking(move || {
            story(&mut Visitor::of([(&*a, a.clone()), (&*c, c.clone())])?, &a, &c)
        });
        told.await.unwrap().unwrap();
    }

    /// How many rows there are in a table of A, and of C.
    fn rows(&self, of_a: &str, of_c: &str) -> (usize, usize) {
        let count = |url: &str, table: &str| {
            let name = url.rsplit('/').next().unwrap();
            shared().tell_in(name, &format!("SELECT count(*) FROM {table}")).parse().unwrap()
        };
        (count(&self.of_a, of_a), count(&self.of_c, of_c))
    }
}

fn log_in(person: &mut Visitor<'_>, a: &str, c: &str) -> anyhow::Result<()> {
    person.open(&format!("{a}/login/platform"))?;
    assert!(person.address.as_str().starts_with(&format!("{c}/login")), "{}", person.address);
    person.press("login-submit", &ALICE)?;
    if person.has("consent-allow") {
        person.press("consent-allow", &[])?;
    }
    assert_eq!(person.address.as_str(), format!("{a}/account"), "{}", person.html);
    assert!(person.html.contains("alice@example.com"), "{}", person.html);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_calls_b_and_logs_out_with_both_servers_on_postgresql() {
    let world = World::new().await;
    world
        .tell(|alice, a, c| {
            log_in(alice, a, c)?;
            for target in ["local", "introspection"] {
                alice.open(&format!("{a}/my-resource?target={target}"))?;
                assert!(alice.has("my-resource-answer"), "{}", alice.html);
            }
            Ok(())
        })
        .await;
    assert_eq!(world.rows("accounts", "sessions"), (1, 1));
    // At another browser the same account is found; the log out there ends its own sessions, at
    // both.
    world
        .tell(|alice, a, c| {
            log_in(alice, a, c)?;
            alice.open(&format!("{a}/account"))?;
            alice.press("logout-submit", &[])?;
            assert!(
                alice.has("logged-out") && alice.address.as_str().starts_with(a),
                "{}",
                alice.html
            );
            Ok(())
        })
        .await;
    assert_eq!(world.rows("accounts", "consents"), (1, 1));
    assert_eq!(world.rows("sessions", "sessions"), (1, 1), "those of the first browser");
}
