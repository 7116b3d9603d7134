use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use clock::Clock;
use flow_events::{Check, Event, EventSink, FlowEvent, FlowScope, Party, Rule, TraceContext};
use oauth_types::ClientSecret;
use serde_json::{Value, json};
use token_verifier::{
    IntrospectionSettings, LocalSettings, Verifier, VerifierBuilder, VerifyError,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::path};

use crate::signer::Signer;

pub const ISSUER: &str = "http://localhost:9000";
pub const RESOURCE: &str = "https://b.example";
pub const NOW: i64 = 1_800_000_000;
pub const SECRET: &str = "s3cr=t of service-b";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const JWKS: &str = "/jwks.json";
pub const INTROSPECT: &str = "/oauth/introspect";

/// An endpoint that always returns the response last set.
#[derive(Clone)]
pub struct Endpoint(Arc<Mutex<ResponseTemplate>>);

impl Endpoint {
    pub fn set_response(&self, response: ResponseTemplate) {
        *self.0.lock().unwrap() = response;
    }

    async fn mount(server: &MockServer, endpoint: &str, response: ResponseTemplate) -> Self {
        let mock = Self(Arc::new(Mutex::new(response)));
        Mock::given(path(endpoint)).respond_with(mock.clone()).mount(server).await;
        mock
    }
}

impl Respond for Endpoint {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().clone()
    }
}

/// A scripted authorization server, and a clock that the test advances.
pub struct AuthServer {
    pub server: MockServer,
    pub clock: Clock,
    pub metadata: Endpoint,
    pub jwks: Endpoint,
    pub introspection: Endpoint,
}

impl AuthServer {
    pub async fn with_keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> Self {
        // Not from wiremock's pool: a request sent after the end of one test must not reach the
        // server of another at the same address.
        let server = MockServer::builder().start().await;
        Self {
            metadata: Endpoint::mount(&server, METADATA, metadata(ISSUER)).await,
            jwks: Endpoint::mount(&server, JWKS, keys(signers)).await,
            introspection: Endpoint::mount(
                &server,
                INTROSPECT,
                json_response(&json!({ "active": false })),
            )
            .await,
            clock: Clock::manual(NOW),
            server,
        }
    }

    /// Starts a server that returns `body` for every introspection request.
    pub async fn with_introspection_response(body: Value) -> Self {
        let c = Self::with_keys([]).await;
        c.introspection.set_response(json_response(&body));
        c
    }

    pub fn builder(&self) -> VerifierBuilder {
        Verifier::builder(ISSUER, RESOURCE)
            .internal_url(self.server.uri())
            .clock(self.clock.clone())
    }

    pub fn local_verifier(&self) -> Verifier {
        self.local_verifier_with(LocalSettings::default())
    }

    pub fn local_verifier_with(&self, settings: LocalSettings) -> Verifier {
        self.builder().local(settings).build().unwrap()
    }

    pub fn introspecting_verifier(&self) -> Verifier {
        self.builder().introspection(introspection_settings()).build().unwrap()
    }

    /// Returns the number of requests that an endpoint has received.
    pub async fn request_count(&self, endpoint: &str) -> usize {
        self.requests(endpoint).await.len()
    }

    pub async fn requests(&self, endpoint: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == endpoint).collect()
    }

    pub fn advance_clock(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Runs `future` as part of a request to the resource server, and records its events.
    pub async fn record_events<F: Future>(&self, future: F) -> (F::Output, Vec<Arc<FlowEvent>>) {
        let sink = EventSink::new(1_000);
        let mut listener = sink.subscribe().unwrap();
        let trace = TraceContext::root([7; 24]).unwrap();
        let scope =
            FlowScope { trace, party: Party::ResourceServer, sink, clock: self.clock.clone() };
        let output = scope.run(future).await;
        (output, std::iter::from_fn(|| listener.try_recv().ok()).collect())
    }

    /// Runs `future`, and records the rules that were checked.
    pub async fn record_checks<F: Future>(&self, future: F) -> (F::Output, Vec<Check>) {
        let (output, events) = self.record_events(future).await;
        let check = |event: &Arc<FlowEvent>| match &event.event {
            Event::TokenChecked(check) => Some(check.clone()),
            _ => None,
        };
        (output, events.iter().filter_map(check).collect())
    }
}

pub fn introspection_settings() -> IntrospectionSettings {
    IntrospectionSettings {
        client_id: "service-b".to_owned(),
        client_secret: ClientSecret::new(SECRET),
        cache_ttl: Duration::from_secs(10),
    }
}

pub fn metadata(issuer: &str) -> ResponseTemplate {
    json_response(&json!({
        "issuer": issuer,
        "jwks_uri": format!("{ISSUER}{JWKS}"),
        "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
    }))
}

pub fn keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> ResponseTemplate {
    json_response(&json!({ "keys": signers.into_iter().map(Signer::jwk).collect::<Vec<_>>() }))
}

pub fn json_response(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

pub fn short_timeout_client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_millis(100)).build().unwrap()
}

/// Returns the rule that a rejected token violates.
#[track_caller]
pub fn violated_rule<T: std::fmt::Debug>(outcome: Result<T, VerifyError>) -> Option<Rule> {
    match outcome {
        Err(VerifyError::Invalid { rule, .. }) => rule,
        other => panic!("not rejected as invalid: {other:?}"),
    }
}

/// Returns the reason and the retry delay of a token that could not be verified.
#[track_caller]
pub fn expect_unavailable<T: std::fmt::Debug>(
    outcome: Result<T, VerifyError>,
) -> (String, Duration) {
    match outcome {
        Err(VerifyError::Unavailable { reason, retry_after }) => (reason, retry_after),
        other => panic!("not unavailable: {other:?}"),
    }
}
