//! C is unavailable.

use std::time::Duration;

use anyhow::ensure;

use super::run::ScenarioRun;
use crate::flows::Role;

/// How long C stays unavailable, in seconds. Longer than B caches introspection responses.
const OUTAGE_SECONDS: &str = "5";
const TIMEOUT: Duration = Duration::from_secs(15);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// During an outage of C, the local B keeps working, the introspecting B fails, and both work again
/// afterwards.
pub(super) async fn auth_server_unavailable(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let url = |target: &str| format!("{}/api/call-b?target={target}", run.environment.a.url);
    let (local, introspection) = (url("local"), url("introspection"));
    run.act_as(Role::Person);
    // After these calls A has an access token for each B.
    for url in [&local, &introspection] {
        let response = run.get(url).await?;
        ensure!(
            response.status.is_success(),
            "A responds with {response} before the outage begins",
            response = response.summary()
        );
    }
    let control = format!("{}/test/outage", run.environment.c.url);
    run.act_as(Role::Operator);
    let response = run.post(&control, &[("seconds", OUTAGE_SECONDS)]).await?;
    run.act_as(Role::Person);
    ensure!(
        response.status.is_success(),
        "cannot simulate an outage: C responds with {response} (its setting `test_controls`)",
        response = response.summary()
    );
    let found = run.wait_until(&introspection, false).await?;
    run.expect("a_calls_b_introspection", "502", &found);
    let response = run.get(&local).await?;
    run.expect("a_calls_b_local", "200", &response.summary());
    let found = run.wait_until(&introspection, true).await?;
    run.expect("a_calls_b_introspection_again", "200", &found);
    Ok(())
}

impl ScenarioRun<'_> {
    /// Calls a URL until it succeeds, or until it fails, and returns the status.
    async fn wait_until(&self, url: &str, succeeds: bool) -> anyhow::Result<String> {
        let polling = async {
            loop {
                let response = self.get(url).await?;
                if response.status.is_success() == succeeds {
                    return anyhow::Ok(response.status.as_u16().to_string());
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, polling).await.unwrap_or_else(|_| Ok("no change".to_owned()))
    }
}
