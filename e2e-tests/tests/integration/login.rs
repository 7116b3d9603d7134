//! A and C log somebody in together: the very servers of the launcher, and a browser that runs no
//! script.

use e2e_tests::{browser::Visitor, fixed_ports::true_names, harness::Stage};
use gatepass::StackSettings;
use serde_json::{Value, json};

pub const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];
/// In the users file of the demo.
const SUBJECT: &str = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01";

/// Where the servers of a story are, as browsers know them.
#[derive(Clone)]
pub struct Places {
    pub a: String,
    pub c: String,
}

impl Places {
    pub fn of(stage: &Stage) -> Self {
        let at = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
        Self { a: at(stage.addresses.service_a), c: at(stage.addresses.auth_server) }
    }
}

pub async fn stage_with(change: impl FnOnce(&mut StackSettings)) -> Stage {
    Stage::start_with(|settings| {
        true_names(settings, "");
        change(settings);
    })
    .await
}

/// What people do blocks, so it has a thread of its own.
pub async fn somebody<T: Send + 'static>(
    stage: &Stage,
    does: impl FnOnce(&mut Visitor<'static>, &Places) -> anyhow::Result<T> + Send + 'static,
) -> T {
    let places = Places::of(stage);
    let done = tokio::task::spawn_blocking(move || does(&mut Visitor::new()?, &places));
    done.await.unwrap().unwrap()
}

/// The first login of all: with questions.
pub fn log_in_and_allow(alice: &mut Visitor<'_>, at: &Places) -> anyhow::Result<()> {
    log_in(alice, at)?;
    assert!(alice.has("consent-allow"), "C asks before it tells: {}", alice.html);
    alice.press("consent-allow", &[])?;
    assert_eq!(alice.address.as_str(), format!("{}/account", at.a), "{}", alice.html);
    Ok(())
}

pub fn log_in(alice: &mut Visitor<'_>, at: &Places) -> anyhow::Result<()> {
    alice.open(&format!("{}/login/platform", at.a))?;
    assert!(
        alice.address.as_str().starts_with(&format!("{}/login?", at.c)),
        "passwords are for C alone"
    );
    alice.press("login-submit", &ALICE)
}

#[tokio::test]
async fn the_first_login_makes_an_account_the_second_finds_it_and_a_logout_ends_both_sessions() {
    let stage = stage_with(|_| ()).await;
    somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        assert_eq!(alice.text("account-email").as_deref(), Some("alice@example.com"));
        assert_eq!(alice.text("account-nickname").as_deref(), Some("小爱"));
        let account = alice.text("account-id");
        assert!(account.is_some(), "{}", alice.html);

        // In the same browser C knows her still: nothing is asked at all.
        alice.cookies.remove("gatepass-a-session").unwrap();
        alice.open(&format!("{}/account", at.a))?;
        assert!(alice.html.contains("data-error=\"not_logged_in\""), "{}", alice.html);
        alice.open(&format!("{}/login/platform", at.a))?;
        assert_eq!(alice.text("account-id"), account);

        alice.press("logout-submit", &[])?;
        assert!(
            alice.has("logged-out") && alice.address.as_str().starts_with(&at.a),
            "{}",
            alice.html
        );
        alice.open(&format!("{}/account", at.c))?;
        assert!(alice.has("login-submit"), "the session at C has ended too: {}", alice.html);
        alice.open(&format!("{}/account", at.a))?;
        assert!(alice.html.contains("data-error=\"not_logged_in\""), "{}", alice.html);

        // What she allowed is remembered; the password is not.
        log_in(alice, at)?;
        assert_eq!(alice.text("account-id"), account, "{}", alice.html);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn whoever_leaves_c_everywhere_has_left_a() {
    let stage = stage_with(|_| ()).await;
    somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        alice.open(&format!("{}/account", at.c))?;
        alice.press("sign-out-everywhere", &[])?;
        // C tells A when it has answered her.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !alice.html.contains("data-error=\"not_logged_in\"") {
            assert!(std::time::Instant::now() < deadline, "A was never told");
            alice.open(&format!("{}/account", at.a))?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_first_hop_is_shown_the_persons_pass_and_a_further_one_a_pass_that_says_who_acts() {
    let stage = stage_with(|_| ()).await;
    let (own, acting) = somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        let mut answer = |target: &str| -> anyhow::Result<Value> {
            alice.open(&format!("{}/my-resource?target={target}", at.a))?;
            Ok(serde_json::from_str(&alice.text("my-resource-answer").unwrap_or_default())?)
        };
        Ok((answer("local")?, answer("introspection")?))
    })
    .await;
    assert_eq!(
        (&own["token"]["subject"], own["token"].get("act")),
        (&json!(SUBJECT), None),
        "{own}"
    );
    assert_eq!(
        (&acting["token"]["subject"], &acting["token"]["act"]),
        (&json!(SUBJECT), &json!({ "sub": "service-a" })),
        "{acting}"
    );
}

#[tokio::test]
async fn a_b_that_asks_nobody_is_told_too_who_acts() {
    let stage = stage_with(|settings| settings.service_a.targets.local.token_exchange = true).await;
    let answer = somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        alice.open(&format!("{}/my-resource", at.a))?;
        assert!(alice.has("my-resource-exchanged"), "{}", alice.html);
        Ok(serde_json::from_str::<Value>(&alice.text("my-resource-answer").unwrap_or_default())?)
    })
    .await;
    assert_eq!(answer["token"]["act"], json!({ "sub": "service-a" }), "{answer}");
}
