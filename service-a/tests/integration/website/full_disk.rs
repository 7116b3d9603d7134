//! A full disk: logins fail while it lasts, and succeed afterwards without a restart.

use clock::Clock;
use serde_json::json;
use service_a::ServiceASettings;
use test_support::wait::until;

use super::{
    browser::{AuthorizationRequest, Browser},
    mock_provider::MockProvider,
};
use crate::{
    process::{Process, settings_arguments},
    test_servers::TestServers,
};

/// Makes the provider issue an ID token that is valid on the clock of the system, as A's is.
fn issue_valid_claims(platform: &MockProvider, request: &AuthorizationRequest) {
    let now = Clock::system().seconds();
    let mut claims = platform.claims(request);
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 600);
    platform.issue_claims(&claims);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovers_from_a_full_disk_without_a_restart() {
    let (platform, servers) = (MockProvider::start().await, TestServers::start().await);
    let settings = ServiceASettings { issuer: platform.name(), ..servers.settings() };
    let a = Process::serve(&settings_arguments(&settings, &[]));
    let readiness = async || a.manage.get("/readyz").await.status;
    assert_eq!(readiness().await, 200);
    let mut interrupted = Browser::new(&a.base);
    let begun = interrupted.start_login("/login/platform").await;
    issue_valid_claims(&platform, &begun);

    a.set_disk_full(true);
    // More often than A has connections that a failed transaction could leave unusable.
    for _ in 0..3 {
        Browser::new(&a.base)
            .open("/login/platform")
            .await
            .assert_error(503, "website_unavailable");
        let finished = interrupted.open(&begun.callback("platform")).await;
        finished.assert_error(503, "website_unavailable");
    }
    until("A is not ready", async || readiness().await == 503).await;
    a.set_disk_full(false);
    until("A is ready", async || readiness().await == 200).await;

    let mut browser = Browser::new(&a.base);
    let request = browser.start_login("/login/platform").await;
    issue_valid_claims(&platform, &request);
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    assert_eq!(browser.open("/account").await.status, 200);
}
