//! A between C and two Bs.

use std::{
    collections::VecDeque,
    ops::Deref,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clock::Clock;
use flow_events::EventSink;
use serde_json::{Value, json};
use service_a::{ServiceA, ServiceASettings};
use service_kit::{BoundListener, CancellationToken, SecretSetting};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use wiremock::{
    Match, Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{any, path},
};

use crate::client::Caller;

/// Has characters that each way of sending it encodes differently.
pub const SECRET: &str = "s3cr=t & very/private";
pub const PASSES: [&str; 2] = ["eyJhbGciOiJub25lIn0.first-pass", "eyJhbGciOiJub25lIn0.second-pass"];
pub const RESOURCES: [&str; 2] = ["https://b-local.example", "https://b-introspection.example"];
/// Nobody listens there.
pub const NOBODY: &str = "http://127.0.0.1:1";

/// A server that gives the answers it was told to give, in their order, and the last one ever
/// after.
pub struct Party {
    pub server: MockServer,
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

impl Party {
    pub async fn on(
        server: MockServer,
        at: impl Match + 'static,
        answer: ResponseTemplate,
    ) -> Self {
        let script = Script::default();
        Mock::given(at).respond_with(script.clone()).mount(&server).await;
        let party = Self { server, script };
        party.answers([answer]);
        party
    }

    pub fn answers(&self, answers: impl IntoIterator<Item = ResponseTemplate>) {
        *self.script.answers.lock().unwrap() = answers.into_iter().collect();
    }

    pub fn asked(&self) -> usize {
        self.script.asked.load(Ordering::SeqCst)
    }

    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// Take requests, but answer none until [`Party::open`].
    pub fn close(&self) {
        *self.script.closed.0.lock().unwrap() = true;
    }

    pub fn open(&self) {
        *self.script.closed.0.lock().unwrap() = false;
        self.script.closed.1.notify_all();
    }
}

/// C and the Bs; A comes later.
pub struct World {
    pub c: Party,
    pub b: Party,
    pub introspecting_b: Party,
    pub clock: Clock,
    pub events: EventSink,
    /// Where A keeps its accounts.
    pub folder: Arc<TempDir>,
}

impl World {
    pub async fn new() -> Self {
        let server = MockServer::start().await;
        Mock::given(path(METADATA))
            .respond_with(metadata(&server.uri(), &server.uri()))
            .mount(&server)
            .await;
        let c = Party::on(server, path("/oauth/token"), pass(0)).await;
        c.answers([pass(0), pass(1)]);
        let b = |name| async move {
            Party::on(MockServer::start().await, any(), said(&json!({ "b": name }))).await
        };
        let (clock, events) = (Clock::manual(1_800_000_000), EventSink::new(1_000));
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self {
            c,
            b: b("local").await,
            introspecting_b: b("introspection").await,
            clock,
            events,
            folder,
        }
    }

    pub fn settings(&self) -> ServiceASettings {
        let mut settings = ServiceASettings {
            issuer: self.c.server.uri(),
            client_secret: Some(SecretSetting::new(SECRET)),
            data_dir: self.folder.path().to_owned(),
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

    pub async fn start(&self) -> A {
        self.start_with(|_| ()).await
    }

    pub async fn start_with(&self, change: impl FnOnce(&mut ServiceASettings)) -> A {
        let mut settings = self.settings();
        change(&mut settings);
        let (bound, stop) =
            (BoundListener::bind("127.0.0.1:0", "listen").unwrap(), CancellationToken::new());
        let caller = Caller::new(format!("http://{}", bound.address()));
        let a = ServiceA::prepare(&settings, bound, self.clock.clone(), self.events.clone())
            .await
            .unwrap();
        A { caller, running: Some(tokio::spawn(a.run(stop.clone()))), stop }
    }
}

/// A, running. It stops when it is dropped.
pub struct A {
    pub caller: Caller,
    pub stop: CancellationToken,
    pub running: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Deref for A {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Drop for A {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub const METADATA: &str = "/.well-known/oauth-authorization-server";

pub fn metadata(issuer: &str, at: &str) -> ResponseTemplate {
    said(&json!({ "issuer": issuer, "token_endpoint": format!("{at}/oauth/token") }))
}

pub fn pass(number: usize) -> ResponseTemplate {
    said(&json!({ "access_token": PASSES[number], "token_type": "Bearer", "expires_in": 1_800 }))
}

pub fn said(body: &Value) -> ResponseTemplate {
    refused(200, body)
}

pub fn refused(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// An answer for which nobody has the patience.
pub fn late(answer: ResponseTemplate) -> ResponseTemplate {
    answer.set_delay(Duration::from_secs(20))
}

/// How the bearer of a pass shows it.
pub fn bearer(number: usize) -> String {
    format!("Bearer {}", PASSES[number])
}

pub fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// A parameter of a form.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
