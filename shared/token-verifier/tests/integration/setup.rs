use std::{future::Future, sync::Arc, time::Duration};

use axum::Router;
use clock::Clock;
use flow_events::{Check, Event, EventSink, FlowEvent, FlowScope, Party, Rule, TraceContext};
use oauth_types::ClientSecret;
use serde_json::{Value, json};
use test_support::{
    mock::{self, MockEndpoint},
    signer::Signer,
};
use token_verifier::{
    IntrospectionSettings, LocalSettings, RequiredScope, Verifier, VerifierBuilder, VerifyError,
};
use wiremock::{MockServer, Request, ResponseTemplate, matchers::path};

pub const ISSUER: &str = "http://localhost:9000";
pub const RESOURCE: &str = "https://b.example";
pub const NOW: i64 = 1_800_000_000;
pub const SECRET: &str = "s3cr=t of service-b";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const JWKS: &str = "/jwks.json";
pub const INTROSPECT: &str = "/oauth/introspect";

/// A scripted authorization server, and a clock that the test advances.
pub struct AuthServer {
    pub server: MockServer,
    pub clock: Clock,
    pub metadata: MockEndpoint,
    pub jwks: MockEndpoint,
    pub introspection: MockEndpoint,
}

impl AuthServer {
    pub async fn with_keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> Self {
        // Not from wiremock's pool: a request sent after the end of one test must not reach the
        // server of another at the same address.
        let server = MockServer::builder().start().await;
        Self {
            metadata: MockEndpoint::mount(&server, path(METADATA), metadata(ISSUER)).await,
            jwks: MockEndpoint::mount(&server, path(JWKS), keys(signers)).await,
            introspection: MockEndpoint::mount(&server, path(INTROSPECT), inactive()).await,
            clock: Clock::manual(NOW),
            server,
        }
    }

    /// Starts a server that returns `body` for every introspection request.
    pub async fn with_introspection_response(body: Value) -> Self {
        let c = Self::with_keys([]).await;
        c.introspection.respond(mock::json(200, &body));
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
        mock::requests_to(&self.server, endpoint).await
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
    IntrospectionSettings::new("service-b", ClientSecret::new(SECRET))
        .cache_ttl(Duration::from_secs(10))
}

pub fn metadata(issuer: &str) -> ResponseTemplate {
    mock::json(
        200,
        &json!({
            "issuer": issuer,
            "jwks_uri": format!("{ISSUER}{JWKS}"),
            "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
        }),
    )
}

pub fn keys<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> ResponseTemplate {
    mock::json(200, &json!({ "keys": signers.into_iter().map(Signer::jwk).collect::<Vec<_>>() }))
}

/// Returns an introspection response without a valid token.
pub fn inactive() -> ResponseTemplate {
    mock::json(200, &json!({ "active": false }))
}

/// Serves a resource server on a free port, and returns its origin.
pub async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    origin
}

pub struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
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
