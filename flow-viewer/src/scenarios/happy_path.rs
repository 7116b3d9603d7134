//! Correct flows, and the legacy calls without OAuth.

use anyhow::ensure;

use super::{
    browser::ScenarioBrowser,
    native_app,
    run::{ResourceServer, ScenarioRun},
    token_misuse,
};
use crate::flows::Role;

/// A calls the B that verifies access tokens locally. In the demo A requests a new token for it, so
/// that every step can be seen.
pub(super) async fn server_to_server_local(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    call_a(run, "/api/call-b?target=local&fresh=true").await
}

/// A calls the B that introspects access tokens at C.
pub(super) async fn server_to_server_introspection(
    run: &mut ScenarioRun<'_>,
) -> anyhow::Result<()> {
    call_a(run, "/api/call-b?target=introspection&fresh=true").await
}

/// A sends its secret to B in a header.
pub(super) async fn legacy_basic(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    call_a(run, "/api/call-b-legacy?how=basic").await
}

/// A sends its secret to B in the URL.
pub(super) async fn legacy_query(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    call_a(run, "/api/call-b-legacy?how=query").await
}

async fn call_a(run: &mut ScenarioRun<'_>, path: &str) -> anyhow::Result<()> {
    run.act_as(Role::Person);
    let response = run.get(&format!("{}{path}", run.environment.a.url)).await?;
    ensure!(
        response.status != 404 || !path.contains("legacy"),
        "legacy calls are switched off (setting `legacy_secret_demo` of A and B)"
    );
    run.expect("a_response", "200", &response.summary());
    Ok(())
}

/// A person logs in to the website with the platform; the website then calls both Bs.
pub(super) async fn login(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let website = run.environment.a.public_url.clone();
    let mut browser = ScenarioBrowser::default();
    browser.open(run, &format!("{website}/login/platform"), None).await?;
    browser.sign_in(run, None).await?;
    let page = if browser.has_element("account-email") { "account" } else { browser.url()?.path() };
    run.expect("website_shows", "account", page);
    for target in ["local", "introspection"] {
        browser.open(run, &format!("{website}/my-resource?target={target}"), None).await?;
        let found = if browser.has_element("my-resource-answer") { "answer" } else { "none" };
        run.expect("website_calls_b", "answer", found);
    }
    Ok(())
}

/// A native app refreshes its access token.
pub(super) async fn refresh(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let code = native_app::authorize(run).await?;
    let first = code.redeem(run).await?;
    run.expect("app_redeems_code", "200", &first.summary());
    let refreshed = native_app::refresh(run, &first).await?;
    run.expect("app_refreshes", "200", &refreshed.summary());
    let (old, new) = (first.token("access_token"), refreshed.token("access_token"));
    let changed = old.zip(new).is_some_and(|(old, new)| old.fingerprint() != new.fingerprint());
    run.expect("token_changed", "yes", if changed { "yes" } else { "no" });
    Ok(())
}

/// A client revokes its access token (RFC 7009); the introspecting B rejects it from then on.
pub(super) async fn revoke(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let server = ResourceServer::Introspection;
    let token = run.token_for(server).await?;
    token_misuse::revoke(run, &token).await?;
    let response = run.call_resource(server, &token).await?;
    run.expect(server.response_name(), "401 invalid_token", &response.summary());
    Ok(())
}
