use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clock::Clock;
use oauth_types::ClientSecret;
use token_client::{TokenClient, TokenClientBuilder, TokenTarget};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::path};

/// Upper bound of every wait. Only a hanging test reaches it.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// Contains characters that form encoding, URL encoding and Basic authentication encode
/// differently.
pub const SECRET: &str = "s3cr=t & very/private";

/// The token endpoint of C. Returns the scripted responses in order, then repeats the last one.
#[derive(Clone)]
pub struct AuthServer {
    pub server: Arc<MockServer>,
    pub clock: Clock,
    script: Script,
}

#[derive(Clone, Default)]
struct Script {
    responses: Arc<Mutex<VecDeque<ResponseTemplate>>>,
    request_count: Arc<AtomicUsize>,
    on_hold: Arc<(Mutex<bool>, Condvar)>,
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.request_count.fetch_add(1, Ordering::SeqCst);
        let (on_hold, released) = &*self.on_hold;
        drop(released.wait_while(on_hold.lock().unwrap(), |on_hold| *on_hold).unwrap());
        let mut responses = self.responses.lock().unwrap();
        if responses.len() > 1 { responses.pop_front() } else { responses.front().cloned() }
            .unwrap()
    }
}

impl AuthServer {
    pub async fn with_responses(responses: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        let script = Script::default();
        script.responses.lock().unwrap().extend(responses);
        let server = MockServer::start().await;
        Mock::given(path("/oauth/token")).respond_with(script.clone()).mount(&server).await;
        Self { server: Arc::new(server), clock: Clock::manual(1_000_000), script }
    }

    pub fn client(&self) -> TokenClient {
        self.builder().build().unwrap()
    }

    pub fn builder(&self) -> TokenClientBuilder {
        let endpoint = format!("{}/oauth/token", self.server.uri());
        self.builder_with_discovery(&self.server.uri()).token_endpoint(endpoint)
    }

    pub fn builder_with_discovery(&self, issuer: &str) -> TokenClientBuilder {
        TokenClient::builder(issuer, "service-a", ClientSecret::new(SECRET))
            .clock(self.clock.clone())
            .timeout(MAX_WAIT)
    }

    /// Returns the number of token requests received.
    pub fn request_count(&self) -> usize {
        self.script.request_count.load(Ordering::SeqCst)
    }

    /// Holds all responses back until [`AuthServer::release_responses`] is called.
    pub fn hold_responses(&self) {
        *self.script.on_hold.0.lock().unwrap() = true;
    }

    pub fn release_responses(&self) {
        *self.script.on_hold.0.lock().unwrap() = false;
        self.script.on_hold.1.notify_all();
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// The token response of the source document, with this access token.
pub fn token(name: &str) -> ResponseTemplate {
    json(200, &format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":1800}}"#))
}

pub fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json")
}

pub fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

pub fn target() -> TokenTarget {
    TokenTarget { scope: "resource:read".parse().unwrap(), resource: None }
}

/// Waits until the condition holds.
pub async fn wait_until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(MAX_WAIT, wait).await.is_ok(), "timed out waiting for {what}");
}
