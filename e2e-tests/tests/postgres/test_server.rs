//! A replica of C in this process.

use std::time::Duration;

use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
use clock::Clock;
use e2e_tests::{
    harness::SECRET,
    http::{TestResponse, client, send, url},
};
use flow_events::EventSink;
use gatepass::observe::wait_until_ready;
use reqwest::Client;
use serde_json::{Value, json};
use service_kit::{CancellationToken, Profile, SecretSetting};
use tempfile::TempDir;

/// Demo clients: one with JWT access tokens, one with opaque ones, and a B that introspects.
pub const WITH_JWT: &str = "service-a";
pub const WITH_OPAQUE: &str = "service-a-opaque";
pub const INTROSPECTING_B: &str = "service-b";
/// The resource identifier of that B.
const RESOURCE: (&str, &str) = ("resource", "http://localhost:9003");

pub struct Replica {
    pub base: String,
    /// The origin of the management listener.
    manage: String,
    http: Client,
    stop: CancellationToken,
    _folder: TempDir,
}

/// Returns the settings of a replica on this database.
pub fn settings(database_url: &str, folder: &TempDir) -> AuthServerSettings {
    let mut settings = AuthServerSettings {
        profile: Profile::Test,
        listen: "127.0.0.1:0".to_owned(),
        tls_listen: String::new(),
        manage_listen: "127.0.0.1:0".to_owned(),
        data_dir: folder.path().to_owned(),
        database_url: Some(SecretSetting::new(database_url)),
        ..AuthServerSettings::default()
    };
    // The machine can be busy. Tests of the time budget set their own.
    settings.database_timeout_millis = 20_000;
    // Tests poll with requests that fail until a change is visible, which must not hit the limit.
    settings.rate_limits.client_auth.burst = 10_000;
    settings.rate_limits.client_auth_known_network.burst = 10_000;
    settings.registration.enabled = true;
    settings
}

/// Prepares a replica. Returns it with the origins of its listener and of its management listener,
/// or the startup error.
pub async fn prepare(settings: AuthServerSettings) -> Result<(AuthServer, [String; 2]), String> {
    let listeners = Listeners::bind(&settings).unwrap();
    let bases = [listeners.http.as_ref().unwrap(), listeners.manage.as_ref().unwrap()];
    let bases = bases.map(|bound| url(bound.address(), ""));
    let server = AuthServer::prepare(
        settings,
        listeners,
        Clock::system(),
        SecureRandom::system(),
        EventSink::disabled(),
    );
    Ok((server.await.map_err(|error| format!("{error:#}"))?, bases))
}

impl Replica {
    pub async fn start(database_url: &str) -> Self {
        Self::start_with(database_url, |_| {}).await
    }

    pub async fn start_with(
        database_url: &str,
        change: impl FnOnce(&mut AuthServerSettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(database_url, &folder);
        change(&mut settings);
        let (server, [base, manage]) = prepare(settings).await.unwrap();
        let (stop, http) = (CancellationToken::new(), client());
        let readiness = server.readiness();
        tokio::spawn(server.run(stop.clone()));
        wait_until_ready(&readiness, Duration::from_secs(60)).await.unwrap();
        Self { base, manage, http, stop, _folder: folder }
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// Requests a path of the management listener.
    pub async fn get_managed(&self, path: &str) -> TestResponse {
        send(self.http.get(format!("{}{path}", self.manage))).await
    }

    pub async fn post(
        &self,
        path: &str,
        (id, secret): (&str, &str),
        more: &[(&str, &str)],
    ) -> TestResponse {
        let fields = [&[("client_id", id), ("client_secret", secret)], more].concat();
        send(self.http.post(format!("{}{path}", self.base)).form(&fields)).await
    }

    pub async fn request_token(&self, client_id: &str) -> TestResponse {
        let fields = [("grant_type", "client_credentials"), RESOURCE];
        self.post("/oauth/token", (client_id, SECRET), &fields).await
    }

    /// Requests an access token. Panics if C does not issue one.
    pub async fn access_token(&self, client_id: &str) -> String {
        let response = self.request_token(client_id).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.member("access_token")
    }

    pub async fn revoke(&self, client_id: &str, token: &str) -> TestResponse {
        self.post("/oauth/revoke", (client_id, SECRET), &[("token", token)]).await
    }

    pub async fn is_active(&self, token: &str) -> bool {
        let response =
            self.post("/oauth/introspect", (INTROSPECTING_B, SECRET), &[("token", token)]).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["active"].as_bool().unwrap()
    }

    pub async fn authenticates(&self, login: (&str, &str)) -> bool {
        self.post("/oauth/introspect", login, &[("token", "any")]).await.status == 200
    }

    /// Registers a client dynamically (RFC 7591).
    pub async fn register(&self) -> TestResponse {
        let metadata = json!({
            "redirect_uris": ["https://shop.example/cb"], "token_endpoint_auth_method": "client_secret_post",
        });
        send(self.http.post(format!("{}/oauth/register", self.base)).json(&metadata)).await
    }

    /// Deletes a dynamically registered client (RFC 7592).
    pub async fn unregister(&self, registered: &TestResponse) -> TestResponse {
        let path = format!("{}/oauth/register/{}", self.base, registered.member("client_id"));
        send(self.http.delete(path).bearer_auth(registered.member("registration_access_token")))
            .await
    }

    pub async fn user_info(&self, token: &str) -> TestResponse {
        send(self.http.get(format!("{}/userinfo", self.base)).bearer_auth(token)).await
    }

    /// Returns the sorted `kid`s of the published keys.
    pub async fn kids(&self) -> Vec<String> {
        let Value::Array(keys) = self.get("/.well-known/jwks.json").await.json()["keys"].take()
        else {
            panic!("keys")
        };
        let mut kids: Vec<_> =
            keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
        kids.sort();
        kids
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
