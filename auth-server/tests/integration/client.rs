use std::{
    future::Future,
    io::{Read, Write},
    net::{IpAddr, TcpStream},
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, header::HeaderMap, redirect::Policy};
use serde_json::Value;

/// A client's id and secret.
pub type Credentials<'a> = (&'a str, &'a str);

/// Someone who calls C.
#[derive(Clone)]
pub struct HttpClient {
    pub base: String,
    pub http: Client,
}

/// What C answered.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl HttpClient {
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), http: client_builder().build().unwrap() }
    }

    /// The same server, called from another of this machine's addresses.
    pub fn from_address(&self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        Self {
            base: self.base.clone(),
            http: client_builder().local_address(address).build().unwrap(),
        }
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Response {
        send(self.http.get(format!("{}{path}", self.base))).await
    }

    pub async fn get_json(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    pub async fn published_keys(&self) -> Vec<Value> {
        self.get_json("/.well-known/jwks.json").await["keys"].as_array().unwrap().clone()
    }

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        send(self.post(path).form(fields)).await
    }

    /// A body that is sent as it stands here.
    pub async fn post_raw_form(&self, path: &str, body: impl Into<String>) -> Response {
        let form = "application/x-www-form-urlencoded";
        send(self.post(path).header("content-type", form).body(body.into())).await
    }

    /// Ask for a pass as the document does.
    pub async fn client_credentials(
        &self,
        (id, secret): Credentials<'_>,
        more: &[(&str, &str)],
    ) -> Response {
        let own =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        self.post_form("/oauth/token", &[&own[..], more].concat()).await
    }

    /// A pass, which has to be given.
    pub async fn access_token(
        &self,
        credentials: Credentials<'_>,
        more: &[(&str, &str)],
    ) -> String {
        let response = self.client_credentials(credentials, more).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn introspect(&self, (id, secret): Credentials<'_>, token: &str) -> Value {
        let fields = [("client_id", id), ("client_secret", secret), ("token", token)];
        let response = self.post_form("/oauth/introspect", &fields).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    pub async fn is_active(&self, credentials: Credentials<'_>, token: &str) -> bool {
        self.introspect(credentials, token).await["active"].as_bool().unwrap()
    }

    pub async fn revoke(&self, (id, secret): Credentials<'_>, token: &str) -> Response {
        self.post_form(
            "/oauth/revoke",
            &[("client_id", id), ("client_secret", secret), ("token", token)],
        )
        .await
    }

    pub async fn can_authenticate(&self, credentials: Credentials<'_>) -> bool {
        self.introspect_status(credentials).await == 200
    }

    async fn introspect_status(&self, (id, secret): Credentials<'_>) -> u16 {
        let fields = [("client_id", id), ("client_secret", secret), ("token", "any")];
        self.post_form("/oauth/introspect", &fields).await.status
    }

    /// Begin a body, and never end it.
    pub async fn send_stalled_body(&self, method: &str, path: &str, headers: &str) -> Response {
        let address = self.base.split_once("://").unwrap().1.to_owned();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n{headers}\r\n"
        );
        let response = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).map(|_| response).unwrap()
        });
        Response::of_text(&response.await.unwrap())
    }
}

impl Response {
    /// As it came over the wire.
    fn of_text(response: &str) -> Self {
        let (head, text) = response.split_once("\r\n\r\n").unwrap();
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

    /// The error code and its description.
    pub fn error(&self) -> (String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (text("error"), text("error_description"))
    }

    /// It has to be this refusal, with these words in its description.
    pub fn assert_error(&self, status: u16, code: &str, expected: &str) {
        let (error, description) = self.error();
        assert_eq!((self.status, error.as_str()), (status, code), "{self:?}");
        assert!(description.contains(expected), "`{expected}` is not in: {description}");
    }
}

pub fn client_builder() -> reqwest::ClientBuilder {
    // A connection of its own for each call: stories stop servers and turn clocks, and a kept one
    // may die of that.
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(60))
}

pub async fn send(request: RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Response { status, headers, text: response.text().await.unwrap() }
}

/// Ask whether it is so while the second passes that a running server may take. Its timers see this
/// one second and no more: the machine, which may be busy, gets its own time after that.
pub async fn within_one_second<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    tokio::time::pause();
    // A blocking task keeps the paused time from running ahead whenever everybody waits.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = tokio::task::spawn_blocking(move || held.recv());
    for _ in 0..10 {
        is_so().await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within a second: {what}");
    }
    drop(release);
    tokio::time::resume();
    let _ = holder.await;
}

/// Ask again and again until it is so.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::task::yield_now().await;
    }
}
