//! Login at A with an account at C, in a browser without JavaScript.

use e2e_tests::{browser::BlockingBrowser, fixed_ports::use_fixed_ports, harness::Harness};
use gatepass::StackSettings;
use serde_json::{Value, json};
use service_kit::CookieNames;
use test_support::wait::until_blocking;

pub const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];
/// Alice's subject in the users file of the demo.
const SUBJECT: &str = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01";

/// The origins of A and C for browsers.
#[derive(Clone)]
pub struct Origins {
    pub a: String,
    pub c: String,
}

impl Origins {
    pub fn of(harness: &Harness) -> Self {
        let at = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
        Self { a: at(harness.addresses.service_a), c: at(harness.addresses.auth_server) }
    }

    /// The name of A's session cookie.
    pub fn session_of_a(&self) -> String {
        CookieNames::of(&self.a.parse().unwrap()).full_name("gatepass-a-session")
    }

    /// The name of C's session cookie.
    pub fn session_of_c(&self) -> String {
        CookieNames::of(&self.c.parse().unwrap()).full_name("gatepass-session")
    }
}

pub async fn harness_with(change: impl FnOnce(&mut StackSettings)) -> Harness {
    Harness::start_with(|settings| {
        use_fixed_ports(settings, "");
        change(settings);
    })
    .await
}

/// Runs `actions` with a new browser on its own thread, because the browser blocks.
pub async fn with_browser<T: Send + 'static>(
    harness: &Harness,
    actions: impl FnOnce(&mut BlockingBrowser<'static>, &Origins) -> anyhow::Result<T> + Send + 'static,
) -> T {
    let origins = Origins::of(harness);
    let done = tokio::task::spawn_blocking(move || actions(&mut BlockingBrowser::new()?, &origins));
    done.await.unwrap().unwrap()
}

/// Logs in for the first time, which needs consent.
pub fn log_in_and_allow(alice: &mut BlockingBrowser<'_>, at: &Origins) -> anyhow::Result<()> {
    log_in(alice, at)?;
    assert!(alice.has("consent-allow"), "C asks for consent: {}", alice.html());
    alice.press("consent-allow", &[])?;
    assert_eq!(alice.address(), format!("{}/account", at.a), "{}", alice.html());
    Ok(())
}

pub fn log_in(alice: &mut BlockingBrowser<'_>, at: &Origins) -> anyhow::Result<()> {
    alice.open(&format!("{}/login/platform", at.a))?;
    assert!(
        alice.address().starts_with(&format!("{}/login?", at.c)),
        "only C may ask for the password"
    );
    alice.press("login-submit", &ALICE)
}

#[tokio::test]
async fn second_login_finds_the_account_and_logout_ends_both_sessions() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        assert_eq!(alice.text("account-email").as_deref(), Some("alice@example.com"));
        assert_eq!(alice.text("account-nickname").as_deref(), Some("小爱"));
        let account = alice.text("account-id");
        assert!(account.is_some(), "{}", alice.html());

        // Her session at C is still open, so the login needs no interaction.
        alice.cookies().remove(&at.session_of_a()).unwrap();
        alice.open(&format!("{}/account", at.a))?;
        assert!(alice.shows_error("not_logged_in"), "{}", alice.html());
        alice.open(&format!("{}/login/platform", at.a))?;
        assert_eq!(alice.text("account-id"), account);

        alice.press("logout-submit", &[])?;
        assert!(alice.has("logged-out") && alice.address().starts_with(&at.a), "{}", alice.html());
        alice.open(&format!("{}/account", at.c))?;
        assert!(alice.has("login-submit"), "the session at C must have ended: {}", alice.html());
        alice.open(&format!("{}/account", at.a))?;
        assert!(alice.shows_error("not_logged_in"), "{}", alice.html());

        // Her consent is stored, so C asks only for the password.
        log_in(alice, at)?;
        assert_eq!(alice.text("account-id"), account, "{}", alice.html());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn signing_out_everywhere_at_c_ends_the_session_at_a() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        alice.open(&format!("{}/account", at.c))?;
        alice.press("sign-out-everywhere", &[])?;
        // C notifies A after it has responded to her.
        until_blocking("A has ended the session", || {
            alice.open(&format!("{}/account", at.a)).unwrap();
            alice.shows_error("not_logged_in")
        });
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn exchanged_token_names_user_and_actor() {
    let harness = harness_with(|_| ()).await;
    let (original, acting) = with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        let mut response = |target: &str| -> anyhow::Result<Value> {
            alice.open(&format!("{}/my-resource?target={target}", at.a))?;
            Ok(serde_json::from_str(&alice.text("my-resource-answer").unwrap_or_default())?)
        };
        Ok((response("local")?, response("introspection")?))
    })
    .await;
    assert_eq!(
        (&original["token"]["subject"], original["token"].get("act")),
        (&json!(SUBJECT), None),
        "{original}"
    );
    assert_eq!(
        (&acting["token"]["subject"], &acting["token"]["act"]),
        (&json!(SUBJECT), &json!({ "sub": "service-a" })),
        "{acting}"
    );
}

#[tokio::test]
async fn locally_verified_exchanged_token_names_the_actor() {
    let harness =
        harness_with(|settings| settings.service_a.targets.local.token_exchange = true).await;
    let response = with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        alice.open(&format!("{}/my-resource", at.a))?;
        assert!(alice.has("my-resource-exchanged"), "{}", alice.html());
        Ok(serde_json::from_str::<Value>(&alice.text("my-resource-answer").unwrap_or_default())?)
    })
    .await;
    assert_eq!(response["token"]["act"], json!({ "sub": "service-a" }), "{response}");
}
