//! An OAuth client that calls the server's endpoints.

use std::{
    future::Future,
    ops::Deref,
    time::{Duration, Instant},
};

use serde_json::Value;
use test_support::http::TestClient;

pub use test_support::{
    http::{TestResponse as Response, client_builder, send},
    wait::until as wait_until,
};

/// Client id and client secret, or user name and password.
pub type Credentials<'a> = (&'a str, &'a str);

/// Calls one server over HTTP.
#[derive(Clone)]
pub struct HttpClient(pub TestClient);

impl HttpClient {
    pub fn new(base: impl Into<String>) -> Self {
        Self(TestClient::new(base))
    }

    /// Calls the same server from another of this machine's addresses.
    #[expect(clippy::wrong_self_convention, reason = "the address that the requests come from")]
    pub fn from_address(&self, address: &str) -> Self {
        Self(self.0.from_address(address))
    }

    pub async fn published_keys(&self) -> Vec<Value> {
        self.get_json("/.well-known/jwks.json").await["keys"].as_array().unwrap().clone()
    }

    /// Requests an access token with the client credentials grant, credentials in the body.
    pub async fn client_credentials(
        &self,
        (id, secret): Credentials<'_>,
        more: &[(&str, &str)],
    ) -> Response {
        let own =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        self.post_form("/oauth/token", &[&own[..], more].concat()).await
    }

    /// Returns an access token of the client credentials grant. Panics on an error response.
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

    /// Whether the server accepts these credentials.
    pub async fn can_authenticate(&self, (id, secret): Credentials<'_>) -> bool {
        let fields = [("client_id", id), ("client_secret", secret), ("token", "any")];
        self.post_form("/oauth/introspect", &fields).await.status == 200
    }
}

impl Deref for HttpClient {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.0
    }
}

/// Waits until `condition` holds within one second of virtual time. The server's timers advance by
/// that second and no more. Work that is due by then may take up to 20 seconds of real time,
/// because the machine can be busy.
pub async fn within_one_second<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    tokio::time::pause();
    // A running blocking task stops tokio from advancing the paused time when all tasks are idle.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = tokio::task::spawn_blocking(move || held.recv());
    for _ in 0..10 {
        condition().await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < deadline, "not within a second: {what}");
    }
    drop(release);
    tokio::time::resume();
    let _ = holder.await;
}
