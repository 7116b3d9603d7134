//! All servers in this process, as the launcher runs them.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use auth_server::{
    SecureRandom, domain::AuditQuery, domain::AuditRecord, storage::SqliteStore, storage::Store,
};
use clock::Clock;
use flow_events::{EventSink, TraceContext};
use gatepass::{
    Addresses, Stack, StackSettings,
    observe::{ObservedCall, observe},
};
use reqwest::{Client, RequestBuilder};
use service_kit::CancellationToken;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::http::{TestResponse, client, send, url};

/// The client secret of every demo client.
pub const SECRET: &str = "abc123";

/// What A checks when a user returns from C, in the order of the checks.
pub const CHECKS_OF_A: [&str; 9] = [
    "state",
    "response_issuer",
    "id_token_signature",
    "id_token_issuer",
    "id_token_audience",
    "id_token_expiry",
    "access_token_hash",
    "nonce",
    "account",
];

/// The two Bs: one verifies access tokens locally, the other by introspection at C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceServer {
    Local,
    Introspecting,
}

impl ResourceServer {
    pub const BOTH: [Self; 2] = [Self::Local, Self::Introspecting];

    /// Returns the resource identifier, which does not depend on the port.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Local => "http://localhost:9002",
            Self::Introspecting => "http://localhost:9003",
        }
    }

    /// Returns the name of this B in A's targets.
    pub fn target(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Introspecting => "introspection",
        }
    }
}

/// A, C, both Bs and the flow viewer on free ports, with a temporary data folder.
pub struct Harness {
    pub addresses: Addresses,
    /// The addresses of the management listeners that are on.
    pub manage_addresses: Vec<(&'static str, SocketAddr)>,
    /// The address of C's control API, if it is on.
    pub control_address: Option<SocketAddr>,
    pub clock: Clock,
    pub events: EventSink,
    pub http: Client,
    /// Stops all servers.
    pub stop: CancellationToken,
    /// Ends when all servers have stopped.
    pub running: JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
}

impl Harness {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts with a manual clock, set to the current time because the certificates are valid now.
    pub async fn start_with(change: impl FnOnce(&mut StackSettings)) -> Self {
        Self::start_at(Clock::manual(Clock::system().seconds()), change).await
    }

    /// Starts with the control API, and the clock that it adjusts.
    pub async fn start_controlled() -> Self {
        Self::start_at(Clock::adjustable(), |settings| {
            settings.auth_server.control.listen = "127.0.0.1:0".to_owned();
        })
        .await
    }

    /// Starts with the system clock, for tests that wait in real time.
    pub async fn start_in_real_time(change: impl FnOnce(&mut StackSettings)) -> Self {
        Self::start_at(Clock::system(), change).await
    }

    async fn start_at(clock: Clock, change: impl FnOnce(&mut StackSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = StackSettings::on_free_ports(&folder.path().join("data"));
        // Tests poll with requests that fail until a change is visible, which must not hit the
        // limit.
        settings.auth_server.rate_limits.client_auth.burst = 10_000;
        settings.auth_server.rate_limits.client_auth_address.burst = 10_000;
        change(&mut settings);
        let events = EventSink::new(4_096);
        let stack = Stack::prepare(settings, clock.clone(), SecureRandom::system(), events.clone())
            .await
            .unwrap();
        let (addresses, stop, http) = (stack.addresses, CancellationToken::new(), client());
        let (readiness, manage_addresses) = (stack.readiness(), stack.manage_addresses.clone());
        let control_address = stack.control_address;
        let running = tokio::spawn(stack.run(stop.clone()));
        readiness.wait(Duration::from_secs(60)).await.unwrap();
        Self {
            addresses,
            manage_addresses,
            control_address,
            clock,
            events,
            http,
            stop,
            running,
            folder,
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Opens a second connection to C's database, as C's commands do.
    pub async fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.data_dir().join("auth-server.db")).await.unwrap())
    }

    /// Returns the audit records of a client at C.
    pub async fn audit(&self, client_id: &str) -> Vec<AuditRecord> {
        let query = AuditQuery {
            client_id: Some(client_id.to_owned()),
            limit: 1_000,
            ..AuditQuery::default()
        };
        self.store().await.audit(&query).await.unwrap()
    }

    /// Returns the URL of a path at a B.
    pub fn b_url(&self, b: ResourceServer, path: &str) -> String {
        let address = match b {
            ResourceServer::Local => self.addresses.b_local,
            ResourceServer::Introspecting => self.addresses.b_introspection,
        };
        url(address, path)
    }

    /// Returns a request for B's protected resource, without an access token.
    pub fn resource_request(&self, b: ResourceServer) -> RequestBuilder {
        self.http.get(self.b_url(b, "/api/resource"))
    }

    /// Requests B's protected resource with an access token.
    pub async fn call_b(&self, b: ResourceServer, token: &str) -> TestResponse {
        send(self.resource_request(b).bearer_auth(token)).await
    }

    /// Requests an access token for a B from C.
    pub async fn access_token(&self, client_id: &str, b: ResourceServer) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", SECRET),
            ("resource", b.resource()),
        ];
        let response = self.post_to_c("/oauth/token", &form).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.member("access_token")
    }

    pub async fn revoke(&self, client_id: &str, token: &str) {
        let form = [("client_id", client_id), ("client_secret", SECRET), ("token", token)];
        assert_eq!(self.post_to_c("/oauth/revoke", &form).await.status, 200);
    }

    pub async fn post_to_c(&self, path: &str, form: &[(&str, &str)]) -> TestResponse {
        send(self.http.post(url(self.addresses.auth_server, path)).form(form)).await
    }

    /// Returns a request that makes A call a B.
    pub fn request_through_a(&self, b: ResourceServer) -> RequestBuilder {
        self.http.get(url(self.addresses.service_a, &format!("/api/call-b?target={}", b.target())))
    }

    /// Makes A call a B.
    pub async fn call_through_a(&self, b: ResourceServer) -> TestResponse {
        send(self.request_through_a(b)).await
    }

    /// Sends a request and collects the events that all servers emit for it.
    pub async fn observe(&self, call: RequestBuilder) -> ObservedCall {
        let trace = TraceContext::root(SecureRandom::system().bytes().unwrap()).unwrap();
        observe(call, &self.events, trace).await.unwrap()
    }
}
