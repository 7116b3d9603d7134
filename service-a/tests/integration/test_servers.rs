//! Mock servers for C and two Bs, and an A between them.

use std::{ops::Deref, sync::Arc, time::Duration};

use clock::Clock;
use flow_events::EventSink;
use serde_json::json;
use service_a::{ServiceA, ServiceASettings};
use service_kit::{BoundListener, CancellationToken, Listeners, SecretSetting};
use tempfile::TempDir;
use test_support::{
    http::{TestClient, TestResponse},
    mock::{self, MockEndpoint},
};
use tokio::task::JoinHandle;
use wiremock::{
    Match, Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, path},
};

/// Contains characters that form encoding, URL encoding and Basic authentication encode
/// differently.
pub const SECRET: &str = "s3cr=t & very/private";
pub const ACCESS_TOKENS: [&str; 2] =
    ["eyJhbGciOiJub25lIn0.first-token", "eyJhbGciOiJub25lIn0.second-token"];
pub const RESOURCES: [&str; 2] = ["https://b-local.example", "https://b-introspection.example"];
/// No server listens here.
pub const UNREACHABLE: &str = "http://127.0.0.1:1";

/// A mock server with one endpoint whose responses a test changes.
pub struct MockParty {
    pub server: MockServer,
    endpoint: MockEndpoint,
}

impl MockParty {
    pub async fn mount(
        server: MockServer,
        matches: impl Match + 'static,
        response: ResponseTemplate,
    ) -> Self {
        let endpoint = MockEndpoint::mount(&server, matches, response).await;
        Self { server, endpoint }
    }

    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }
}

impl Deref for MockParty {
    type Target = MockEndpoint;

    fn deref(&self) -> &MockEndpoint {
        &self.endpoint
    }
}

/// C and two Bs.
pub struct TestServers {
    pub c: MockParty,
    pub b: MockParty,
    pub introspecting_b: MockParty,
    pub clock: Clock,
    pub events: EventSink,
    /// Data directory of A.
    pub data_dir: Arc<TempDir>,
}

impl TestServers {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        Mock::given(path(METADATA))
            .respond_with(metadata(&server.uri(), &server.uri()))
            .mount(&server)
            .await;
        let c = MockParty::mount(server, path("/oauth/token"), token_response(0)).await;
        c.respond_in_order([token_response(0), token_response(1)]);
        let b = |name| async move {
            MockParty::mount(
                MockServer::start().await,
                any(),
                mock::json(200, &json!({ "b": name })),
            )
            .await
        };
        let (clock, events) = (Clock::manual(1_800_000_000), EventSink::new(1_000));
        let data_dir = Arc::new(tempfile::tempdir().unwrap());
        Self {
            c,
            b: b("local").await,
            introspecting_b: b("introspection").await,
            clock,
            events,
            data_dir,
        }
    }

    pub fn settings(&self) -> ServiceASettings {
        let mut settings = ServiceASettings {
            issuer: self.c.server.uri(),
            client_secret: Some(SecretSetting::new(SECRET)),
            data_dir: self.data_dir.path().to_owned(),
            ..ServiceASettings::default()
        };
        let targets = [&mut settings.targets.local, &mut settings.targets.introspection];
        for ((target, b), resource) in
            targets.into_iter().zip([&self.b, &self.introspecting_b]).zip(RESOURCES)
        {
            (target.url, target.resource) = (b.server.uri(), resource.to_owned());
        }
        settings
    }

    pub async fn start_a(&self) -> A {
        self.start_a_with(|_| ()).await
    }

    pub async fn start_a_with(&self, change: impl FnOnce(&mut ServiceASettings)) -> A {
        let mut settings = self.settings();
        change(&mut settings);
        let listeners = Listeners {
            public: BoundListener::bind("127.0.0.1:0", "listen").unwrap(),
            manage: Some(BoundListener::bind("127.0.0.1:0", "manage_listen").unwrap()),
        };
        let client = |bound: &BoundListener| TestClient::new(format!("http://{}", bound.address()));
        let manage = listeners.manage.as_ref().map(client).unwrap();
        let (client, stop) = (client(&listeners.public), CancellationToken::new());
        let a = ServiceA::prepare(&settings, listeners, self.clock.clone(), self.events.clone())
            .await
            .unwrap();
        A { client, manage, running: Some(tokio::spawn(a.run(stop.clone()))), stop }
    }
}

/// A running A. It stops when it is dropped.
pub struct A {
    pub client: TestClient,
    /// The management listener.
    pub manage: TestClient,
    pub stop: CancellationToken,
    pub running: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Deref for A {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}

impl Drop for A {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub const METADATA: &str = "/.well-known/oauth-authorization-server";

pub fn metadata(issuer: &str, at: &str) -> ResponseTemplate {
    mock::json(200, &json!({ "issuer": issuer, "token_endpoint": format!("{at}/oauth/token") }))
}

pub fn token_response(number: usize) -> ResponseTemplate {
    mock::json(
        200,
        &json!({ "access_token": ACCESS_TOKENS[number], "token_type": "Bearer", "expires_in": 1_800 }),
    )
}

/// Delays a response beyond every timeout of the tests.
pub fn delayed(response: ResponseTemplate) -> ResponseTemplate {
    response.set_delay(Duration::from_secs(20))
}

/// The `Authorization` header with one of the access tokens.
pub fn bearer(number: usize) -> String {
    format!("Bearer {}", ACCESS_TOKENS[number])
}

/// A parameter of a form in a received request.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Asserts an error of A's API: status, `step`, part of `error_description`, the request id, and
/// that it contains no secret or token.
#[track_caller]
pub fn assert_call_error(response: &TestResponse, status: u16, step: &str, text: &str) {
    let body = response.json();
    assert_eq!((response.status, body["step"].as_str()), (status, Some(step)), "{response:?}");
    assert_eq!(body["request_id"], response.header("x-request-id"), "{response:?}");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.contains(text), "`{text}` is not in: {description}");
    for secret in [SECRET, ACCESS_TOKENS[0], ACCESS_TOKENS[1]] {
        assert!(!response.text.contains(secret), "{response:?}");
    }
}
