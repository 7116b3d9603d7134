//! Genuine tokens of C, used where they must not be accepted.

use std::time::Duration;

use anyhow::Context;
use oauth_types::AccessToken;

use super::{
    native_app,
    run::{ResourceServer, ScenarioRun},
};
use crate::flows::Role;

/// How long B may still accept a revoked token: it caches introspection responses (setting
/// `introspection.cache_seconds`).
const CACHE_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Presents an access token that expired a minute ago.
pub(super) async fn expired(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    for server in ResourceServer::BOTH {
        let parameters = [("resource", run.resource(server)), ("expires_in", "-60")];
        let token = run.token_from("/test/token", &parameters).await?;
        run.expect_rejected(server, &token).await?;
    }
    Ok(())
}

/// Presents an access token of one B to the other (RFC 9700 §2.3).
pub(super) async fn wrong_audience(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    use ResourceServer::{Introspection, Local};
    for (audience, called) in [(Introspection, Local), (Local, Introspection)] {
        let token = run.token_for(audience).await?;
        run.act_as(Role::Attacker);
        let response = run.call_resource(called, &token).await?;
        run.expect(called.response_name(), "401 invalid_token", &response.summary());
    }
    Ok(())
}

/// Writes with an access token that only allows reading (RFC 6750 §3.1).
pub(super) async fn missing_scope(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    for server in ResourceServer::BOTH {
        let parameters = [("resource", run.resource(server)), ("scope", "resource:read")];
        let token = run.token(&parameters).await?;
        let write = run.environment.http.post(run.url(server, "/api/do_something"));
        let write = write.bearer_auth(token.expose()).json(&serde_json::json!({}));
        let response = run.send(write).await?;
        run.expect(server.response_name(), "403 insufficient_scope", &response.summary());
    }
    Ok(())
}

/// Presents a revoked access token to each B: local verification cannot know of the revocation,
/// introspection does.
pub(super) async fn revoked(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let token = run.token_for(ResourceServer::Local).await?;
    revoke(run, &token).await?;
    let response = run.call_resource(ResourceServer::Local, &token).await?;
    run.expect("b_local_still_accepts", "200", &response.summary());
    let token = run.token_for(ResourceServer::Introspection).await?;
    revoke(run, &token).await?;
    let server = ResourceServer::Introspection;
    let response = run.call_resource(server, &token).await?;
    run.expect(server.response_name(), "401 invalid_token", &response.summary());
    Ok(())
}

/// Revokes an access token as its client (RFC 7009).
pub(super) async fn revoke(run: &mut ScenarioRun<'_>, token: &AccessToken) -> anyhow::Result<()> {
    run.act_as(Role::Client);
    let environment = run.environment;
    let form = [
        ("client_id", environment.client_id.as_str()),
        ("client_secret", environment.client_secret.expose()),
        ("token", token.expose()),
    ];
    let response = run.post(&format!("{}/oauth/revoke", environment.c.url), &form).await?;
    run.expect("c_revokes", "200", &response.summary());
    Ok(())
}

/// Uses a stolen access token. Anyone who holds a bearer token can use it (RFC 6750 §1.2); a short
/// lifetime and revocation limit the damage.
pub(super) async fn stolen_token(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let token = run.token_for(ResourceServer::Introspection).await?;
    run.act_as(Role::Attacker);
    let response = run.call_resource(ResourceServer::Introspection, &token).await?;
    run.expect("attacker_calls_b", "200", &response.summary());
    revoke(run, &token).await?;
    run.act_as(Role::Attacker);
    let rejected = async {
        loop {
            let response = run.call_resource(ResourceServer::Introspection, &token).await?;
            if !response.status.is_success() {
                return anyhow::Ok(response);
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    };
    let found = match tokio::time::timeout(CACHE_TIMEOUT, rejected).await {
        Ok(response) => response?.summary(),
        Err(_) => "200".to_owned(),
    };
    run.expect("attacker_after_revocation", "401 invalid_token", &found);
    Ok(())
}

/// Sends an access token in the query, where every log would record it (RFC 9700 §4.3.2).
pub(super) async fn token_in_url(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    for server in ResourceServer::BOTH {
        let token = run.token_for(server).await?;
        let request = run.environment.http.get(run.url(server, "/api/resource"));
        let response = run.send(request.query(&[("access_token", token.expose())])).await?;
        run.expect(server.response_name(), "400 invalid_request", &response.summary());
    }
    Ok(())
}

/// Presents an ID token as an access token (RFC 9068 §5).
pub(super) async fn id_token_as_access_token(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let response = native_app::authorize(run).await?.redeem(run).await?;
    let id_token = response.token("id_token").context("C issued no ID token")?;
    for server in ResourceServer::BOTH {
        run.expect_rejected(server, &id_token).await?;
    }
    Ok(())
}
