//! All servers in this process, as `gatepass` runs them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use auth_server::{
    Entropy, domain::AuditQuery, domain::AuditRecord, storage::SqliteStore, storage::Store,
};
use clock::Clock;
use flow_events::{EventSink, TraceContext};
use gatepass::{
    Addresses, Stack, StackSettings,
    observe::{ObservedCall, observe, wait_until_ready},
};
use reqwest::{Client, RequestBuilder};
use service_kit::CancellationToken;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::http::{Answer, client, url};

/// The secret of every demo client.
pub const SECRET: &str = "abc123";

/// One of the Bs: the one that checks passes by itself, or the one that asks C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Local,
    Asking,
}

impl Door {
    pub const BOTH: [Self; 2] = [Self::Local, Self::Asking];

    /// Its resource identifier: a name, wherever it listens.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Local => "http://localhost:9002",
            Self::Asking => "http://localhost:9003",
        }
    }

    /// What A calls it.
    pub fn target(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Asking => "introspection",
        }
    }
}

/// A, C and both Bs on ports that the system chose, with a data folder of their own.
pub struct Stage {
    pub addresses: Addresses,
    pub clock: Clock,
    pub events: EventSink,
    pub http: Client,
    /// Asks all servers to stop.
    pub stop: CancellationToken,
    /// Ends when all of them have.
    pub running: JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
}

impl Stage {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// The clock stands still at the machine's time, which the certificates need.
    pub async fn start_with(change: impl FnOnce(&mut StackSettings)) -> Self {
        Self::start_by(Clock::manual(Clock::system().seconds()), change).await
    }

    /// The clock goes on, for stories that wait for the time to pass.
    pub async fn start_in_real_time(change: impl FnOnce(&mut StackSettings)) -> Self {
        Self::start_by(Clock::system(), change).await
    }

    async fn start_by(clock: Clock, change: impl FnOnce(&mut StackSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = StackSettings::on_free_ports(&folder.path().join("data"));
        // Stories ask again and again until a change is seen, which looks like guessing.
        settings.auth_server.rate_limits.client_auth.burst = 10_000;
        settings.auth_server.rate_limits.client_auth_address.burst = 10_000;
        change(&mut settings);
        let events = EventSink::new(4_096);
        let stack = Stack::prepare(settings, clock.clone(), Entropy::system(), events.clone())
            .await
            .unwrap();
        let (addresses, stop, http) = (stack.addresses, CancellationToken::new(), client());
        let running = tokio::spawn(stack.run(stop.clone()));
        let Addresses { auth_server, service_a, b_local, b_introspection, flow_viewer, .. } =
            addresses;
        for address in [auth_server, service_a, b_local, b_introspection, flow_viewer] {
            wait_until_ready(&http, &url(address, ""), Duration::from_secs(60)).await.unwrap();
        }
        Self { addresses, clock, events, http, stop, running, folder }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// C's database, opened a second time, as the commands open it.
    pub async fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.data_dir().join("auth-server.db")).await.unwrap())
    }

    pub async fn audit(&self, client_id: &str) -> Vec<AuditRecord> {
        let query = AuditQuery {
            client_id: Some(client_id.to_owned()),
            limit: 1_000,
            ..AuditQuery::default()
        };
        self.store().await.audit(&query).await.unwrap()
    }

    pub fn door(&self, door: Door, path: &str) -> String {
        let address = match door {
            Door::Local => self.addresses.b_local,
            Door::Asking => self.addresses.b_introspection,
        };
        url(address, path)
    }

    /// Read B's resource.
    pub fn read(&self, door: Door) -> RequestBuilder {
        self.http.get(self.door(door, "/api/resource"))
    }

    /// Read B's resource with this pass.
    pub async fn show(&self, door: Door, pass: &str) -> Answer {
        Answer::of(self.read(door).bearer_auth(pass)).await
    }

    /// A pass of C for this B.
    pub async fn pass(&self, client_id: &str, door: Door) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", SECRET),
            ("resource", door.resource()),
        ];
        let answer = self.ask_c("/oauth/token", &form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.member("access_token")
    }

    pub async fn revoke(&self, client_id: &str, pass: &str) {
        let form = [("client_id", client_id), ("client_secret", SECRET), ("token", pass)];
        assert_eq!(self.ask_c("/oauth/revoke", &form).await.status, 200);
    }

    pub async fn ask_c(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(url(self.addresses.auth_server, path)).form(form)).await
    }

    pub fn request_a(&self, door: Door) -> RequestBuilder {
        self.http
            .get(url(self.addresses.service_a, &format!("/api/call-b?target={}", door.target())))
    }

    /// Let A call B.
    pub async fn call_a(&self, door: Door) -> Answer {
        Answer::of(self.request_a(door)).await
    }

    /// Make a call, and collect all that happens on its way.
    pub async fn watch(&self, call: RequestBuilder) -> ObservedCall {
        let trace = TraceContext::root(Entropy::system().bytes().unwrap()).unwrap();
        observe(call, &self.events, trace).await.unwrap()
    }
}
