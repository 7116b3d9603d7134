use std::{
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Someone who calls B.
#[derive(Clone)]
pub struct Caller {
    pub base: String,
    pub http: Client,
}

/// What B answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Caller {
    pub fn new(base: impl Into<String>) -> Self {
        // A connection of its own for each call: one that is kept could be closed by a stop.
        let http =
            Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(60));
        Self { base: base.into(), http: http.build().unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    /// Read the resource with a pass.
    pub async fn resource(&self, pass: &str) -> Answer {
        answer(self.request("GET", "/api/resource").bearer_auth(pass)).await
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request("POST", path)
    }

    /// Begin a body, and never end it.
    pub async fn slowly(&self, method: &str, path: &str, headers: &str) -> Answer {
        let address = self.base.split_once("://").unwrap().1.to_owned();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n{headers}\r\n"
        );
        let said = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).map(|_| said).unwrap()
        });
        Answer::of_text(&said.await.unwrap())
    }
}

impl Answer {
    /// As it came over the wire.
    fn of_text(said: &str) -> Self {
        let (head, text) = said.split_once("\r\n\r\n").unwrap();
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

    /// It has to be this refusal: the same code in the challenge and in the body, and these words.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, words: &str) {
        let body = self.json();
        assert_eq!((self.status, body["error"].as_str()), (status, Some(code)), "{self:?}");
        assert!(
            body["error_description"].as_str().unwrap().contains(words),
            "`{words}` is not in {body}"
        );
        assert!(self.header("www-authenticate").contains(&format!("error=\"{code}\"")), "{self:?}");
    }
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// Ask again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::task::yield_now().await;
    }
}
