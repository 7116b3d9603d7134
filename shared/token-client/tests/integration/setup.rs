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
pub const LONG: Duration = Duration::from_secs(60);

/// Contains characters that form encoding, URL encoding and Basic authentication encode
/// differently.
pub const SECRET: &str = "s3cr=t & very/private";

/// The token endpoint of C. Returns the scripted responses in order, then repeats the last one.
#[derive(Clone)]
pub struct C {
    pub server: Arc<MockServer>,
    pub clock: Clock,
    script: Script,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<ResponseTemplate>>>,
    asked: Arc<AtomicUsize>,
    closed: Arc<(Mutex<bool>, Condvar)>,
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (closed, opened) = &*self.closed;
        drop(opened.wait_while(closed.lock().unwrap(), |closed| *closed).unwrap());
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap()
    }
}

impl C {
    pub async fn answering(answers: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let server = MockServer::start().await;
        Mock::given(path("/oauth/token")).respond_with(script.clone()).mount(&server).await;
        Self { server: Arc::new(server), clock: Clock::manual(1_000_000), script }
    }

    pub fn client(&self) -> TokenClient {
        self.builder().build().unwrap()
    }

    pub fn builder(&self) -> TokenClientBuilder {
        let endpoint = format!("{}/oauth/token", self.server.uri());
        self.discovering(&self.server.uri()).token_endpoint(endpoint)
    }

    pub fn discovering(&self, issuer: &str) -> TokenClientBuilder {
        TokenClient::builder(issuer, "service-a", ClientSecret::new(SECRET))
            .clock(self.clock.clone())
            .timeout(LONG)
    }

    /// Returns the number of token requests received.
    pub fn asked(&self) -> usize {
        self.script.asked.load(Ordering::SeqCst)
    }

    /// Holds all responses back until [`C::open`] is called.
    pub fn close(&self) {
        *self.script.closed.0.lock().unwrap() = true;
    }

    pub fn open(&self) {
        *self.script.closed.0.lock().unwrap() = false;
        self.script.closed.1.notify_all();
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

pub fn need() -> TokenTarget {
    TokenTarget { scope: "resource:read".parse().unwrap(), resource: None }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(LONG, wait).await.is_ok(), "never came: {what}");
}
