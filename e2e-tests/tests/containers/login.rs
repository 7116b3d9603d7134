use anyhow::{Context, ensure};
use e2e_tests::browser::BlockingBrowser;
use serde_json::json;
use test_support::secrecy::JWT_PREFIXES;

use crate::{
    engine::logs_of,
    project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project, SERVICES},
    wait::eventually,
};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];
const PASSWORD: &str = "wonderland";
const WRONG: &str = "wrong-password-xiphias-gladius";
/// The public addresses of A and C. The containers are published on other ports.
const SITE: &str = "http://localhost:9001";
const PLATFORM: &str = "http://localhost:9000";

#[test]
fn login_and_logout_leave_no_secret_in_any_log() -> anyhow::Result<()> {
    let project = Project::new("login")?;
    log_every_level(&project)?;
    project.start()?;
    let mut alice = browser_for(&project)?;
    first_login(&mut alice)?;
    for target in ["local", "introspection"] {
        alice.open(&format!("{SITE}/my-resource?target={target}"))?;
        ensure!(alice.has("my-resource-answer"), "{}", alice.html());
    }
    // Logout at A ends both sessions.
    alice.open(&format!("{SITE}/account"))?;
    alice.press("logout-submit", &[])?;
    ensure!(alice.has("logged-out") && alice.address().starts_with(SITE), "{}", alice.html());
    // The second login asks for the password only.
    alice.open(&format!("{SITE}/login/platform"))?;
    alice.press("login-submit", &ALICE)?;
    ensure!(alice.has("account-email"), "{}", alice.html());
    sign_out_everywhere(&mut alice)?;
    assert_logs_hold_no_secret(&project, &alice)
}

/// A browser that reaches A and C at their public addresses.
fn browser_for(project: &Project) -> anyhow::Result<BlockingBrowser<'_>> {
    BlockingBrowser::with_route(|origin| {
        let known = [("http://localhost:9000", AUTH_SERVER), (SITE, A)]
            .into_iter()
            .find(|(known, _)| *known == origin);
        project.url(known.with_context(|| format!("no service has the origin {origin}"))?.1)
    })
}

fn log_every_level(project: &Project) -> anyhow::Result<()> {
    let level = |service: &str| json!({ "environment": { format!("GATEPASS__{service}__LOG__FILTER"): "trace" } });
    let a = json!({ "environment": {
        "GATEPASS__SERVICE_A__LOG__FILTER": "trace",
        // A is published on another port, but its redirect URI at C is unchanged.
        "GATEPASS__SERVICE_A__PUBLIC_URL": SITE,
    }});
    project.change(&json!({
        AUTH_SERVER: level("AUTH_SERVER"), B_LOCAL: level("SERVICE_B"), B_INTROSPECTION: level("SERVICE_B"), A: a,
    }))
}

fn first_login(alice: &mut BlockingBrowser<'_>) -> anyhow::Result<()> {
    alice.open(&format!("{SITE}/login/platform"))?;
    ensure!(alice.address().starts_with(&format!("{PLATFORM}/login")), "{}", alice.address());
    alice.press("login-submit", &[("username", "alice"), ("password", WRONG)])?;
    ensure!(alice.has("problem"), "{}", alice.html());
    alice.press("login-submit", &ALICE)?;
    alice.press("consent-allow", &[])?;
    ensure!(alice.address() == format!("{SITE}/account"), "{}", alice.address());
    ensure!(alice.html().contains("alice@example.com"), "{}", alice.html());
    Ok(())
}

/// Signs out everywhere at C, which notifies A at its URL in the container network.
fn sign_out_everywhere(alice: &mut BlockingBrowser<'_>) -> anyhow::Result<()> {
    alice.open(&format!("{PLATFORM}/account"))?;
    alice.press("sign-out-everywhere", &[])?;
    eventually("A has ended the session", || {
        alice.open(&format!("{SITE}/account"))?;
        ensure!(alice.shows_error("not_logged_in"), "{}", alice.html());
        Ok(())
    })
}

fn assert_logs_hold_no_secret(
    project: &Project,
    alice: &BlockingBrowser<'_>,
) -> anyhow::Result<()> {
    // A's own tokens are unknown to the test, but every JWT and every private key has one of these
    // parts.
    let kinds = JWT_PREFIXES.iter().chain(&["PRIVATE KEY", PASSWORD, WRONG]);
    let kinds: Vec<String> = kinds.map(|kind| (*kind).to_owned()).collect();
    let hidden: Vec<&String> =
        alice.secrets.iter().chain(&kinds).filter(|secret| secret.len() > 2).collect();
    ensure!(hidden.len() > 10, "too few secrets to search for: {hidden:?}");
    for service in SERVICES {
        let log = logs_of(&project.container(service)?)?;
        ensure!(
            log.contains("TRACE") && log.contains("request"),
            "{service} did not log at every level: {log:.2000}"
        );
        for secret in &hidden {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            ensure!(line.is_none(), "{service} logged {secret}: {line:?}");
        }
    }
    Ok(())
}
