//! A running B, and a mock C whose responses the tests choose.

use std::{net::TcpListener, ops::Deref};

use clock::Clock;
use flow_events::EventSink;
use serde_json::{Value, json};
use service_b::{ServiceB, ServiceBSettings};
use service_kit::{BoundListener, CancellationToken, Listeners, SecretSetting};
use test_support::{
    mock::{self, MockEndpoint},
    signer::Signer,
};
use wiremock::{MockServer, Request, ResponseTemplate, matchers::path};

use crate::client::{TestClient, until};

pub const ISSUER: &str = "http://localhost:9000";
pub const RESOURCE: &str = "https://b.example/api";
pub const SECRET: &str = "s3cr=t & very/private";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const JWKS: &str = "/oauth/keys.json";
pub const INTROSPECT: &str = "/oauth/introspect";

pub struct C {
    pub server: MockServer,
    pub metadata: MockEndpoint,
    pub jwks: MockEndpoint,
    pub introspection: MockEndpoint,
}

impl C {
    pub async fn start(signer: &Signer) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap(), signer).await
    }

    pub async fn start_on(listener: TcpListener, signer: &Signer) -> Self {
        let server = MockServer::builder().listener(listener).start().await;
        Self {
            metadata: MockEndpoint::mount(&server, path(METADATA), issuer_metadata()).await,
            jwks: MockEndpoint::mount(&server, path(JWKS), keys(signer)).await,
            introspection: MockEndpoint::mount(&server, path(INTROSPECT), inactive()).await,
            server,
        }
    }

    pub fn start_b(&self) -> B {
        self.start_b_with(|_| ())
    }

    pub fn start_b_with(&self, change: impl FnOnce(&mut ServiceBSettings)) -> B {
        let mut settings = settings(&self.server.uri());
        change(&mut settings);
        B::start(&settings)
    }

    pub async fn requests(&self, at: &str) -> Vec<Request> {
        mock::requests_to(&self.server, at).await
    }
}

/// A running B. It is stopped on drop.
pub struct B {
    client: TestClient,
    /// The management listener.
    pub manage: TestClient,
    stop: CancellationToken,
}

impl B {
    pub fn start(settings: &ServiceBSettings) -> Self {
        let public = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let manage = BoundListener::bind("127.0.0.1:0", "manage_listen").unwrap();
        let scheme = if settings.tls.cert_file.is_some() { "https" } else { "http" };
        let client = TestClient::new(format!("{scheme}://localhost:{}", public.address().port()));
        let manage_client = TestClient::new(format!("http://{}", manage.address()));
        let (listeners, stop) =
            (Listeners { public, manage: Some(manage) }, CancellationToken::new());
        let b =
            ServiceB::prepare(settings, listeners, Clock::system(), EventSink::disabled()).unwrap();
        tokio::spawn(b.run(stop.clone()));
        Self { client, manage: manage_client, stop }
    }

    pub async fn wait_until_ready(&self) {
        until("B is ready", async || self.manage.get("/readyz").await.status == 200).await;
    }

    /// Returns the address of the listener.
    pub fn listen(&self) -> String {
        self.base.rsplit_once(':').map(|(_, port)| format!("127.0.0.1:{port}")).unwrap()
    }
}

impl Deref for B {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}

impl Drop for B {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn settings(c: &str) -> ServiceBSettings {
    let mut settings = ServiceBSettings {
        issuer: ISSUER.to_owned(),
        internal_url: Some(c.to_owned()),
        resource: RESOURCE.to_owned(),
        ..ServiceBSettings::default()
    };
    settings.introspection.client_secret = Some(SecretSetting::new(SECRET));
    settings
}

/// Returns C's metadata with its public issuer identifier.
pub fn issuer_metadata() -> ResponseTemplate {
    mock::json(
        200,
        &json!({
            "issuer": ISSUER,
            "jwks_uri": format!("{ISSUER}{JWKS}"),
            "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
        }),
    )
}

/// Returns valid access token claims with these changes.
pub fn claims(changes: &Value) -> Value {
    let now = Clock::system().seconds();
    let mut claims = json!({
        "iss": ISSUER, "sub": "service-a", "client_id": "service-a", "aud": RESOURCE, "jti": "token-1",
        "scope": "resource:read resource:write", "iat": now, "exp": now + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

pub fn valid_claims() -> Value {
    claims(&json!({}))
}

/// Returns an introspection response for an active token with these changes.
pub fn active(changes: &Value) -> ResponseTemplate {
    let mut body = claims(changes);
    body["active"] = json!(true);
    mock::json(200, &body)
}

/// Returns an introspection response without a valid token.
pub fn inactive() -> ResponseTemplate {
    mock::json(200, &json!({ "active": false }))
}

fn keys(signer: &Signer) -> ResponseTemplate {
    mock::json(200, &json!({ "keys": [signer.jwk()] }))
}

/// Signs an access token.
pub fn access_token(signer: &Signer, claims: &Value) -> String {
    signer.sign(&json!({ "typ": "at+jwt" }), claims)
}
