//! B, and a C that does as it is told.

use std::{
    net::TcpListener,
    ops::Deref,
    sync::{Arc, Mutex},
};

use clock::Clock;
use flow_events::EventSink;
use serde_json::{Value, json};
use service_b::{ServiceB, ServiceBSettings};
use service_kit::{BoundListener, CancellationToken, SecretSetting};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::path};

use crate::{
    client::{Caller, until},
    signer::Signer,
};

pub const ISSUER: &str = "http://localhost:9000";
pub const RESOURCE: &str = "https://b.example/api";
pub const SECRET: &str = "s3cr=t & very/private";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const JWKS: &str = "/oauth/keys.json";
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

pub struct C {
    pub server: MockServer,
    pub metadata: Endpoint,
    pub jwks: Endpoint,
    pub introspection: Endpoint,
}

impl C {
    pub async fn start(signer: &Signer) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap(), signer).await
    }

    pub async fn start_on(listener: TcpListener, signer: &Signer) -> Self {
        let server = MockServer::builder().listener(listener).start().await;
        Self {
            metadata: Endpoint::at(&server, METADATA, about_c()).await,
            jwks: Endpoint::at(&server, JWKS, said(&json!({ "keys": [signer.jwk()] }))).await,
            introspection: Endpoint::at(&server, INTROSPECT, said(&json!({ "active": false })))
                .await,
            server,
        }
    }

    pub fn b(&self) -> B {
        self.b_with(|_| ())
    }

    pub fn b_with(&self, change: impl FnOnce(&mut ServiceBSettings)) -> B {
        let mut settings = settings(&self.server.uri());
        change(&mut settings);
        B::start(&settings)
    }

    pub async fn requests(&self, at: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == at).collect()
    }
}

/// B, running. It stops when it is dropped.
pub struct B {
    caller: Caller,
    stop: CancellationToken,
}

impl B {
    pub fn start(settings: &ServiceBSettings) -> Self {
        let (bound, stop) =
            (BoundListener::bind("127.0.0.1:0", "listen").unwrap(), CancellationToken::new());
        let scheme = if settings.tls.cert_file.is_some() { "https" } else { "http" };
        let caller = Caller::new(format!("{scheme}://localhost:{}", bound.address().port()));
        let b = ServiceB::prepare(settings, bound, Clock::system(), EventSink::disabled()).unwrap();
        tokio::spawn(b.run(stop.clone()));
        Self { caller, stop }
    }

    pub async fn until_ready(&self) {
        until("B is ready", async || self.get("/readyz").await.status == 200).await;
    }

    /// Where it listens.
    pub fn listen(&self) -> String {
        self.base.rsplit_once(':').map(|(_, port)| format!("127.0.0.1:{port}")).unwrap()
    }
}

impl Deref for B {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
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

/// C's metadata, under the name by which the world knows it.
pub fn about_c() -> ResponseTemplate {
    said(&json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}{JWKS}"),
        "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
    }))
}

/// The claims of a good pass, with these members instead.
pub fn claims(changes: &Value) -> Value {
    let now = Clock::system().seconds();
    let mut claims = json!({
        "iss": ISSUER, "sub": "service-a", "client_id": "service-a", "aud": RESOURCE, "jti": "pass-1",
        "scope": "resource:read resource:write", "iat": now, "exp": now + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

pub fn good() -> Value {
    claims(&json!({}))
}

/// What C says about a pass.
pub fn active(changes: &Value) -> ResponseTemplate {
    let mut word = claims(changes);
    word["active"] = json!(true);
    said(&word)
}

pub fn said(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}
