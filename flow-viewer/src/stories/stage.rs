use anyhow::Context;
use flow_events::TraceContext;
use oauth_types::AccessToken;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use super::{
    Claim,
    world::{World, random},
};

/// One story being played: all that it sends is one trace.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    pub(super) trace: TraceContext,
    pub(super) claims: Vec<Claim>,
}

/// One of the two Bs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Checks by itself.
    Local,
    /// Asks C.
    Introspection,
}

/// What somebody answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) cookies: Vec<String>,
    challenge: String,
    pub(super) body: String,
}

impl Door {
    pub(super) const BOTH: [Self; 2] = [Self::Local, Self::Introspection];

    /// The name of the text "this B says".
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Local => "b_local_says",
            Self::Introspection => "b_introspection_says",
        }
    }
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let trace = loop {
            if let Some(trace) = TraceContext::root(random()) {
                break trace;
            }
        };
        Self { world, trace, claims: Vec::new() }
    }

    /// Note what was told before beside what happened.
    pub(super) fn claim(&mut self, what: &'static str, expected: &str, found: &str) {
        let held = expected == found;
        self.claims.push(Claim {
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
            held,
        });
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Reply> {
        let answer = request.header("traceparent", self.trace.to_string()).send().await;
        let answer = answer.map_err(reqwest::Error::without_url).context("there is no answer")?;
        let header = |name| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (location, challenge) =
            (header("location"), header("www-authenticate").unwrap_or_default());
        let cookies = answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned));
        let (status, cookies) = (answer.status(), cookies.collect());
        let body = answer.text().await.map_err(reqwest::Error::without_url)?;
        Ok(Reply { status, location, cookies, challenge, body })
    }

    pub(super) async fn get(&self, url: &str) -> anyhow::Result<Reply> {
        self.send(self.world.http.get(url)).await
    }

    pub(super) async fn post(&self, url: &str, form: &[(&str, &str)]) -> anyhow::Result<Reply> {
        self.send(self.world.http.post(url).form(form)).await
    }

    /// Ask C for a pass, as a client with the demo's secret.
    pub(super) async fn pass(
        &self,
        client_id: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<AccessToken> {
        self.pass_from("/oauth/token", client_id, more).await
    }

    /// The same from C's test control, which lets the caller choose when the pass expires.
    pub(super) async fn pass_from(
        &self,
        path: &str,
        client_id: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<AccessToken> {
        let secret = self.world.client_secret.expose();
        let who = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        let reply =
            self.post(&format!("{}{path}", self.world.c.url), &[&who, more].concat()).await?;
        reply.token("access_token").with_context(|| format!("C gave no pass: {}", reply.found()))
    }

    /// A pass that both Bs are named in.
    pub(super) async fn pass_for_both(&self) -> anyhow::Result<AccessToken> {
        let resources = Door::BOTH.map(|door| ("resource", self.resource(door)));
        self.pass(&self.world.client_id, &resources).await
    }

    pub(super) fn resource(&self, door: Door) -> &'a str {
        match door {
            Door::Local => &self.world.b_local.public_url,
            Door::Introspection => &self.world.b_introspection.public_url,
        }
    }

    /// Where a B is reached.
    pub(super) fn at(&self, door: Door, path: &str) -> String {
        let place = match door {
            Door::Local => &self.world.b_local,
            Door::Introspection => &self.world.b_introspection,
        };
        format!("{}{path}", place.url)
    }

    /// Show a pass to a B.
    pub(super) async fn show(&self, door: Door, pass: &AccessToken) -> anyhow::Result<Reply> {
        self.send(self.world.http.get(self.at(door, "/api/resource")).bearer_auth(pass.expose()))
            .await
    }

    /// Both Bs must refuse it.
    pub(super) async fn both_refuse(&mut self, pass: &AccessToken) -> anyhow::Result<()> {
        for door in Door::BOTH {
            let reply = self.show(door, pass).await?;
            self.claim(door.says(), "401 invalid_token", &reply.found());
        }
        Ok(())
    }
}

impl Reply {
    /// The status, and the error's code where there is one.
    pub(super) fn found(&self) -> String {
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

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(super) fn token(&self, name: &str) -> Option<AccessToken> {
        self.json()[name].as_str().map(AccessToken::new)
    }
}
