//! An HTTP client for one server, and complete responses with assertions.

use std::{
    io::{Read, Write},
    net::{IpAddr, TcpStream},
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use crate::error_reference::assert_documented;

/// Calls one server over HTTP. It follows no redirects.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// The server's origin, for example `http://127.0.0.1:9000`.
    pub base: String,
    pub http: Client,
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

/// Returns a builder of clients that use no proxy, follow no redirects and open a connection for
/// each request. Connections are not reused because tests stop servers and advance clocks, which
/// can close an idle connection.
pub fn client_builder() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(60))
}

/// Sends a request and reads the whole response.
pub async fn send(request: RequestBuilder) -> TestResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    TestResponse { status, headers, text: response.text().await.unwrap() }
}

impl TestClient {
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), http: client_builder().build().unwrap() }
    }

    /// Returns a client for the same server that connects from another local address.
    pub fn from_address(&self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        let http = client_builder().local_address(address).build().unwrap();
        Self { base: self.base.clone(), http }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method.parse::<Method>().unwrap(), self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        send(self.http.get(self.url(path))).await
    }

    pub async fn get_json(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        send(self.post(path).form(fields)).await
    }

    /// Posts a form body byte for byte.
    pub async fn post_raw_form(&self, path: &str, body: impl Into<String>) -> TestResponse {
        let form = "application/x-www-form-urlencoded";
        send(self.post(path).header("content-type", form).body(body.into())).await
    }

    /// Sends a request head with `content-length: 9` and no body, then reads the response. Each
    /// header in `headers` ends in `\r\n`.
    pub async fn stall_body(&self, method: &str, path: &str, headers: &str) -> TestResponse {
        let address = self.base.split_once("://").unwrap().1.to_owned();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n{headers}\r\n"
        );
        let exchange = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).map(|_| response).unwrap()
        });
        TestResponse::parse(&exchange.await.unwrap())
    }
}

impl TestResponse {
    /// Parses an HTTP/1.1 response.
    pub fn parse(message: &str) -> Self {
        let (head, text) = message.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.map(|line| line.split_once(": ").unwrap());
        let headers =
            pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Self { status, headers, text: text.to_owned() }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Returns a string member of the JSON body, or an empty string.
    #[track_caller]
    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// Returns a header, or an empty string.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Returns every `Set-Cookie` header.
    pub fn set_cookies(&self) -> Vec<String> {
        let values = self.headers.get_all("set-cookie").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    /// Returns the members `error` and `error_description` of RFC 6749 §5.2.
    #[track_caller]
    pub fn error(&self) -> (String, String) {
        (self.member("error"), self.member("error_description"))
    }

    /// Asserts status and `error`, which the error reference has to have too, and that
    /// `error_description` contains `words`.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str, words: &str) {
        let (error, description) = self.error();
        assert_eq!((self.status, error.as_str()), (status, code), "{self:?}");
        assert!(description.contains(words), "`{words}` is not in: {description}");
        assert_documented(&status.to_string(), code, &description);
    }

    /// Asserts a rejection of a bearer token: [`TestResponse::assert_error`], and the same code in
    /// the challenge (RFC 6750 §3).
    #[track_caller]
    pub fn assert_bearer_error(&self, status: u16, code: &str, words: &str) {
        self.assert_error(status, code, words);
        let challenge = self.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains(&format!("error=\"{code}\"")), "{challenge}");
    }
}
