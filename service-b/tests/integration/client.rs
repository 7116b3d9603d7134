use std::{
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// An HTTP client for one server.
#[derive(Clone)]
pub struct TestClient {
    pub base: String,
    pub http: Client,
}

/// A complete response.
#[derive(Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestClient {
    pub fn new(base: impl Into<String>) -> Self {
        // Each request opens a connection, because a stopped server closes idle ones.
        let http =
            Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(60));
        Self { base: base.into(), http: http.build().unwrap() }
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        send(self.request("GET", path)).await
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    /// Requests the protected resource with an access token.
    pub async fn resource(&self, token: &str) -> TestResponse {
        send(self.request("GET", "/api/resource").bearer_auth(token)).await
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request("POST", path)
    }

    /// Sends a request head with `content-length: 9` and no body, then reads the response.
    pub async fn stall_body(&self, method: &str, path: &str, headers: &str) -> TestResponse {
        let address = self.base.split_once("://").unwrap().1.to_owned();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n{headers}\r\n"
        );
        let response = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).map(|_| text).unwrap()
        });
        TestResponse::parse(&response.await.unwrap())
    }
}

impl TestResponse {
    /// Parses an HTTP/1.1 response.
    fn parse(message: &str) -> Self {
        let (head, text) = message.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.map(|line| line.split_once(": ").unwrap());
        let headers =
            pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Self { status, headers, text: text.to_owned() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Asserts a rejection: status, error code in body and challenge, and words of the description.
    #[track_caller]
    pub fn assert_bearer_error(&self, status: u16, code: &str, words: &str) {
        let body = self.json();
        assert_eq!((self.status, body["error"].as_str()), (status, Some(code)), "{self:?}");
        assert!(
            body["error_description"].as_str().unwrap().contains(words),
            "`{words}` is not in {body}"
        );
        assert!(self.header("www-authenticate").contains(&format!("error=\"{code}\"")), "{self:?}");
    }
}

/// Sends a request and reads the whole response.
pub async fn send(request: RequestBuilder) -> TestResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    TestResponse { status, headers, text: response.text().await.unwrap() }
}

/// Polls until `condition` holds. Panics after 60 seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition().await {
        assert!(Instant::now() < deadline, "still waiting after 60 s: {what}");
        tokio::task::yield_now().await;
    }
}
