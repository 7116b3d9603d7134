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

/// What an endpoint answers until it is told otherwise.
#[derive(Clone)]
pub struct Endpoint(Arc<Mutex<ResponseTemplate>>);

impl Endpoint {
    pub fn answers(&self, answer: ResponseTemplate) {
        *self.0.lock().unwrap() = answer;
    }

    async fn at(server: &MockServer, at: &str, answer: ResponseTemplate) -> Self {
        let endpoint = Self(Arc::new(Mutex::new(answer)));
        Mock::given(path(at)).respond_with(endpoint.clone()).mount(server).await;
        endpoint
    }
}

impl Respond for Endpoint {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().clone()
    }
}

/// An authorization server that does as it is told, and a time that stands still until it is told
/// to go on.
pub struct C {
    pub server: MockServer,
    pub clock: Clock,
    pub metadata: Endpoint,
    pub jwks: Endpoint,
    pub introspection: Endpoint,
}

impl C {
    pub async fn with_keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> Self {
        // Not from the pool: a story that outlives its server must not find another story's at the
        // address.
        let server = MockServer::builder().start().await;
        Self {
            metadata: Endpoint::at(&server, METADATA, metadata(ISSUER)).await,
            jwks: Endpoint::at(&server, JWKS, keys(signers)).await,
            introspection: Endpoint::at(&server, INTROSPECT, said(&json!({ "active": false })))
                .await,
            clock: Clock::manual(NOW),
            server,
        }
    }

    /// C that says this about every token.
    pub async fn saying(word: Value) -> Self {
        let c = Self::with_keys([]).await;
        c.introspection.answers(said(&word));
        c
    }

    pub fn builder(&self) -> VerifierBuilder {
        Verifier::builder(ISSUER, RESOURCE)
            .internal_url(self.server.uri())
            .clock(self.clock.clone())
    }

    pub fn local(&self) -> Verifier {
        self.local_with(LocalSettings::default())
    }

    pub fn local_with(&self, settings: LocalSettings) -> Verifier {
        self.builder().local(settings).build().unwrap()
    }

    pub fn introspecting(&self) -> Verifier {
        self.builder().introspection(introspection()).build().unwrap()
    }

    /// How often an endpoint was asked.
    pub async fn asked(&self, at: &str) -> usize {
        self.requests(at).await.len()
    }

    pub async fn requests(&self, at: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == at).collect()
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Run as a request that B serves, and hear what happens.
    pub async fn told<F: Future>(&self, future: F) -> (F::Output, Vec<Arc<FlowEvent>>) {
        let sink = EventSink::new(1_000);
        let mut listener = sink.subscribe().unwrap();
        let trace = TraceContext::root([7; 24]).unwrap();
        let scope =
            FlowScope { trace, party: Party::ResourceServer, sink, clock: self.clock.clone() };
        let output = scope.run(future).await;
        (output, std::iter::from_fn(|| listener.try_recv().ok()).collect())
    }

    /// Run, and hear which rules were applied.
    pub async fn checks<F: Future>(&self, future: F) -> (F::Output, Vec<Check>) {
        let (output, events) = self.told(future).await;
        let check = |event: &Arc<FlowEvent>| match &event.event {
            Event::TokenChecked(check) => Some(check.clone()),
            _ => None,
        };
        (output, events.iter().filter_map(check).collect())
    }
}

pub fn introspection() -> IntrospectionSettings {
    IntrospectionSettings {
        client_id: "service-b".to_owned(),
        client_secret: ClientSecret::new(SECRET),
        cache_ttl: Duration::from_secs(10),
    }
}

pub fn metadata(issuer: &str) -> ResponseTemplate {
    said(&json!({
        "issuer": issuer,
        "jwks_uri": format!("{ISSUER}{JWKS}"),
        "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
    }))
}

pub fn keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> ResponseTemplate {
    said(&json!({ "keys": signers.into_iter().map(Signer::jwk).collect::<Vec<_>>() }))
}

pub fn said(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// A client that is soon tired of waiting.
pub fn impatient() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_millis(100)).build().unwrap()
}

/// The rule that a refused token broke.
#[track_caller]
pub fn broken<T: std::fmt::Debug>(outcome: Result<T, VerifyError>) -> Option<Rule> {
    match outcome {
        Err(VerifyError::Invalid { rule, .. }) => rule,
        other => panic!("not refused: {other:?}"),
    }
}

/// Why nobody can tell, and when to ask again.
#[track_caller]
pub fn unavailable<T: std::fmt::Debug>(outcome: Result<T, VerifyError>) -> (String, Duration) {
    match outcome {
        Err(VerifyError::Unavailable { reason, retry_after }) => (reason, retry_after),
        other => panic!("somebody could tell: {other:?}"),
    }
}
