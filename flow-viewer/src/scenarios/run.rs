use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use flow_events::TraceContext;
use oauth_types::AccessToken;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use super::environment::{Environment, random};
use crate::{flows::Role, scenario_result::Expectation};

/// A scenario in progress. All its requests carry one trace.
pub(super) struct ScenarioRun<'a> {
    pub(super) environment: &'a Environment,
    pub(super) trace: TraceContext,
    pub(super) expectations: Vec<Expectation>,
    /// The number of responses so far.
    pub(super) responses: AtomicUsize,
}

/// One of the two Bs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResourceServer {
    /// Verifies access tokens locally.
    Local,
    /// Introspects access tokens at C.
    Introspection,
}

/// A response, read to its end.
#[derive(Debug)]
pub(super) struct ScenarioResponse {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    /// The values of the `Set-Cookie` headers.
    pub(super) cookies: Vec<String>,
    challenge: String,
    pub(super) body: String,
}

impl ResourceServer {
    pub(super) const BOTH: [Self; 2] = [Self::Local, Self::Introspection];

    /// The name of the expectation about this server's response.
    pub(super) fn response_name(self) -> &'static str {
        match self {
            Self::Local => "b_local_response",
            Self::Introspection => "b_introspection_response",
        }
    }
}

impl<'a> ScenarioRun<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let trace = loop {
            if let Some(trace) = TraceContext::root(random()) {
                break trace;
            }
        };
        Self { environment, trace, expectations: Vec::new(), responses: AtomicUsize::new(0) }
    }

    /// Records what was announced and what was found.
    pub(super) fn expect(&mut self, name: &'static str, expected: &str, found: &str) {
        self.expectations.push(Expectation {
            name,
            expected: expected.to_owned(),
            found: found.to_owned(),
            met: expected == found,
        });
    }

    /// Sends the following requests in this role.
    pub(super) fn act_as(&self, actor: Role) {
        let environment = self.environment;
        environment.flows.set_actor(self.trace.trace_id, environment.clock.micros(), actor);
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<ScenarioResponse> {
        let sent = request.header("traceparent", self.trace.to_string()).send().await;
        let response = sent.map_err(reqwest::Error::without_url).context("no response")?;
        self.responses.fetch_add(1, Ordering::Relaxed);
        let header = |name| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (location, challenge) =
            (header("location"), header("www-authenticate").unwrap_or_default());
        let cookies = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned));
        let (status, cookies) = (response.status(), cookies.collect());
        let body = response.text().await.map_err(reqwest::Error::without_url)?;
        Ok(ScenarioResponse { status, location, cookies, challenge, body })
    }

    pub(super) async fn get(&self, url: &str) -> anyhow::Result<ScenarioResponse> {
        self.send(self.environment.http.get(url)).await
    }

    pub(super) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
    ) -> anyhow::Result<ScenarioResponse> {
        self.send(self.environment.http.post(url).form(form)).await
    }

    /// Requests an access token with the client's credentials.
    pub(super) async fn token(&self, parameters: &[(&str, &str)]) -> anyhow::Result<AccessToken> {
        self.token_from("/oauth/token", parameters).await
    }

    /// Requests an access token at a path of C: `/oauth/token`, or the test control that lets the
    /// caller choose the expiry.
    pub(super) async fn token_from(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<AccessToken> {
        self.act_as(Role::Client);
        let credentials = [
            ("grant_type", "client_credentials"),
            ("client_id", self.environment.client_id.as_str()),
            ("client_secret", self.environment.client_secret.expose()),
        ];
        let url = format!("{}{path}", self.environment.c.url);
        let response = self.post(&url, &[&credentials, parameters].concat()).await?;
        response.token("access_token").with_context(|| {
            format!("C issued no access token: {response}", response = response.summary())
        })
    }

    /// Requests an access token for a B.
    pub(super) async fn token_for(&self, server: ResourceServer) -> anyhow::Result<AccessToken> {
        self.token(&[("resource", self.resource(server))]).await
    }

    /// The resource identifier of a B.
    pub(super) fn resource(&self, server: ResourceServer) -> &'a str {
        match server {
            ResourceServer::Local => &self.environment.b_local.public_url,
            ResourceServer::Introspection => &self.environment.b_introspection.public_url,
        }
    }

    /// The URL of a path of a B.
    pub(super) fn url(&self, server: ResourceServer, path: &str) -> String {
        let urls = match server {
            ResourceServer::Local => &self.environment.b_local,
            ResourceServer::Introspection => &self.environment.b_introspection,
        };
        format!("{}{path}", urls.url)
    }

    /// Calls a B with an access token.
    pub(super) async fn call_resource(
        &self,
        server: ResourceServer,
        token: &AccessToken,
    ) -> anyhow::Result<ScenarioResponse> {
        let request = self.environment.http.get(self.url(server, "/api/resource"));
        self.send(request.bearer_auth(token.expose())).await
    }

    /// Calls a B as an attacker and expects it to reject the token.
    pub(super) async fn expect_rejected(
        &mut self,
        server: ResourceServer,
        token: &AccessToken,
    ) -> anyhow::Result<()> {
        self.act_as(Role::Attacker);
        let response = self.call_resource(server, token).await?;
        self.expect(server.response_name(), "401 invalid_token", &response.summary());
        Ok(())
    }
}

impl ScenarioResponse {
    /// The status code, followed by the OAuth error code if the response has one.
    pub(super) fn summary(&self) -> String {
        let status = self.status.as_u16();
        let in_body = self.json()["error"].as_str().map(str::to_owned);
        let in_header = || {
            self.challenge
                .split_once("error=\"")
                .and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()))
        };
        let error = in_body.or_else(in_header).filter(|_| !self.status.is_success());
        error.map_or_else(|| status.to_string(), |error| format!("{status} {error}"))
    }

    /// The body as JSON, or null.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The token in this member of the JSON body.
    pub(super) fn token(&self, member: &str) -> Option<AccessToken> {
        self.json()[member].as_str().map(AccessToken::new)
    }
}
