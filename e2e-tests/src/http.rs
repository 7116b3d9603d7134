//! Who calls the servers from outside, and what they answered.

use std::{
    future::Future,
    net::SocketAddr,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// A member of the answer, as text.
    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// It has to be B's refusal with this code and these words, said in the body and in the
    /// challenge alike.
    pub fn refused(&self, status: u16, code: &str, words: &str) {
        assert_eq!((self.status, self.member("error").as_str()), (status, code), "{self:?}");
        assert!(self.member("error_description").contains(words), "`{words}` is not in {self:?}");
        let challenge = self.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer ") && challenge.contains("resource_metadata="),
            "{challenge}"
        );
        assert!(challenge.contains(&format!("error=\"{code}\"")), "{challenge}");
    }

    /// It has to be A's, naming the step that failed.
    pub fn failed_at(&self, step: &str, words: &str) {
        assert_eq!((self.status, self.member("step").as_str()), (502, step), "{self:?}");
        assert!(self.member("error_description").contains(words), "`{words}` is not in {self:?}");
        assert!(!self.member("request_id").is_empty(), "{self:?}");
    }
}

/// A caller whose calls have a connection of their own each: stories stop servers, and a kept one
/// may die of that.
pub fn client() -> Client {
    let builder = Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([]);
    builder.timeout(Duration::from_secs(60)).build().unwrap()
}

pub fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// Ask again and again until it is so. Whoever promises a second gets some more on a busy machine.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::task::yield_now().await;
    }
}
