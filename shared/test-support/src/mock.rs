//! Endpoints of a [`MockServer`] whose responses a test changes while it runs.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate};

/// One endpoint. It sends its responses in order and repeats the last one.
#[derive(Clone, Default)]
pub struct MockEndpoint {
    responses: Arc<Mutex<VecDeque<ResponseTemplate>>>,
    requests: Arc<AtomicUsize>,
    paused: Arc<(Mutex<bool>, Condvar)>,
}

impl MockEndpoint {
    /// Adds an endpoint to `server` for the requests that `matches` selects.
    pub async fn mount(
        server: &MockServer,
        matches: impl Match + 'static,
        response: ResponseTemplate,
    ) -> Self {
        Self::mount_in_order(server, matches, [response]).await
    }

    /// Adds an endpoint that sends these responses in order, and repeats the last one.
    pub async fn mount_in_order(
        server: &MockServer,
        matches: impl Match + 'static,
        responses: impl IntoIterator<Item = ResponseTemplate>,
    ) -> Self {
        let endpoint = Self::default();
        endpoint.respond_in_order(responses);
        Mock::given(matches).respond_with(endpoint.clone()).mount(server).await;
        endpoint
    }

    /// Sends this response from now on.
    pub fn respond(&self, response: ResponseTemplate) {
        self.respond_in_order([response]);
    }

    /// Sends these responses from now on, in order, and repeats the last one.
    pub fn respond_in_order(&self, responses: impl IntoIterator<Item = ResponseTemplate>) {
        *self.responses.lock().unwrap() = responses.into_iter().collect();
    }

    /// Returns the number of requests received so far, including those that wait for a response.
    pub fn request_count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Receives requests but delays all responses until [`MockEndpoint::resume`].
    pub fn pause(&self) {
        *self.paused.0.lock().unwrap() = true;
    }

    pub fn resume(&self) {
        *self.paused.0.lock().unwrap() = false;
        self.paused.1.notify_all();
    }
}

impl Respond for MockEndpoint {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (paused, resumed) = &*self.paused;
        drop(resumed.wait_while(paused.lock().unwrap(), |paused| *paused).unwrap());
        let mut responses = self.responses.lock().unwrap();
        if responses.len() > 1 { responses.pop_front() } else { responses.front().cloned() }
            .unwrap()
    }
}

/// Returns a response with a JSON body.
pub fn json(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// Returns a response without a body.
pub fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

/// Returns the requests that `server` has received at `path`.
pub async fn requests_to(server: &MockServer, path: &str) -> Vec<Request> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().filter(|request| request.url.path() == path).collect()
}

/// Returns a header of a received request, or an empty string.
pub fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}
