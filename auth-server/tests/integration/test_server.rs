use std::{ops::Deref, path::PathBuf, sync::Arc};

use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
use clock::Clock;
use flow_events::EventSink;
use service_kit::{BoundListener, CancellationToken, Profile};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::client::{Credentials, HttpClient, wait_until};

pub const SHOP: Credentials<'_> = ("shop", "shop-secret-8c1f6a0b7d2e");
pub const OPAQUE_SHOP: Credentials<'_> = ("opaque-shop", "opaque-secret-55d0c9e1aa");
/// Characters that HTTP Basic and forms must encode.
pub const ODD: Credentials<'_> = ("odd:shop", "ü +&=%:/ odd secret 7f3b");
pub const ORDERS: Credentials<'_> = ("orders", "orders-secret-0b9e3d4c21");
pub const STOCK: Credentials<'_> = ("stock", "stock-secret-f00d5a1e77");

pub const SITE: Credentials<'_> = ("site", "site-secret-3c7d2e91f0ab");
pub const FORUM: Credentials<'_> = ("forum", "forum-secret-77b1c6d2e890");
pub const PORTAL: Credentials<'_> = ("portal", "portal-secret-19ac0d7e55b2");
pub const DEPOT: Credentials<'_> = ("depot", "depot-secret-6e2b9f1c0d7a");
pub const KIOSK: Credentials<'_> = ("kiosk", "kiosk-secret-90d4c7a1b3e5");
pub const BANK: Credentials<'_> = ("bank", "bank-secret-b3f4a5c6d7e8");

/// The demo users, which exist in the profile `test`.
pub const ALICE: Credentials<'_> = ("alice", "wonderland");
pub const BOB: Credentials<'_> = ("bob", "builder");

pub const ORDERS_API: &str = "https://orders.example/api";
pub const STOCK_API: &str = "https://stock.example";
pub const VAULT_API: &str = "https://vault.example";
pub const BRANCH_API: &str = "https://branch.example";
pub const BARE_API: &str = "https://bare.example";

/// 2026-01-01T12:00:00Z, the start of the manual clock.
pub const NOON: i64 = 1_767_268_800;

const CLIENTS: &str = include_str!("clients.toml");

/// A complete server in this process, on ports that the system chooses, with its own data
/// directory.
pub struct TestServer {
    pub client: HttpClient,
    /// The management listener.
    pub manage: HttpClient,
    /// The listener of the control API, if the settings turn it on.
    pub control: Option<HttpClient>,
    pub clock: Clock,
    pub settings: AuthServerSettings,
    /// The origin of the TLS listener.
    pub tls: Option<String>,
    folder: Arc<TempDir>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut AuthServerSettings)) -> Self {
        Self::start_at(Clock::manual(NOON), change).await
    }

    pub async fn start_at(clock: Clock, change: impl FnOnce(&mut AuthServerSettings)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clients = folder.path().join("clients.toml");
        std::fs::write(&clients, CLIENTS).unwrap();
        let http = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let mut settings = AuthServerSettings {
            profile: Profile::Test,
            issuer: format!("http://{}", http.address()).parse().unwrap(),
            tls_listen: String::new(),
            data_dir: folder.path().join("data"),
            clients_file: Some(clients),
            ..AuthServerSettings::default()
        };
        // Tests poll until a change takes effect, which looks like guessing.
        settings.rate_limits.client_auth.burst = 10_000;
        settings.rate_limits.client_auth_address.burst = 10_000;
        // The machine can be busy.
        settings.database_timeout_millis = 20_000;
        change(&mut settings);
        Self::run(folder, clock, settings, http).await
    }

    /// Stops the server and starts it again on the same data directory under the same issuer.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut AuthServerSettings)) -> Self {
        self.stop().await;
        let mut settings = self.settings.clone();
        change(&mut settings);
        let http = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        Self::run(Arc::clone(&self.folder), self.clock.clone(), settings, http).await
    }

    async fn run(
        folder: Arc<TempDir>,
        clock: Clock,
        settings: AuthServerSettings,
        http: BoundListener,
    ) -> Self {
        let tls = (!settings.tls_listen.is_empty())
            .then(|| BoundListener::bind(&settings.tls_listen, "tls_listen").unwrap());
        let client = HttpClient::new(format!("http://{}", http.address()));
        let tls_base =
            tls.as_ref().map(|bound| format!("https://localhost:{}", bound.address().port()));
        let manage = BoundListener::bind("127.0.0.1:0", "manage_listen").unwrap();
        let manage_client = HttpClient::new(format!("http://{}", manage.address()));
        let control = (settings.control.is_on())
            .then(|| BoundListener::bind(&settings.control.listen, "control.listen").unwrap());
        let control_client =
            control.as_ref().map(|bound| HttpClient::new(format!("http://{}", bound.address())));
        let listeners = Listeners { http: Some(http), tls, manage: Some(manage), control };
        let (random, events) = (SecureRandom::system(), EventSink::disabled());
        let server =
            AuthServer::prepare(settings.clone(), listeners, clock.clone(), random, events)
                .await
                .unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { server.run(stop).await.unwrap() }
        });
        Self {
            client,
            manage: manage_client,
            control: control_client,
            clock,
            settings,
            tls: tls_base,
            folder,
            stop,
            running: Some(running),
        }
    }

    pub async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    pub fn issuer(&self) -> String {
        self.settings.issuer()
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn clients_file(&self) -> PathBuf {
        self.folder.path().join("clients.toml")
    }

    /// Changes the clients file and waits until the server has loaded it. A client that is added
    /// with the same change shows when that is.
    pub async fn change_clients_file(&self, change: impl FnOnce(String) -> String) {
        let clients = change(std::fs::read_to_string(self.clients_file()).unwrap());
        let marker = format!("reload-marker-{}", clients.matches("reload-marker-").count());
        let client = format!(
            "\n[[clients]]\nclient_id = \"{marker}\"\nclient_secret = \"the secret of the marker\"\n"
        );
        std::fs::write(self.clients_file(), clients + &client).unwrap();
        wait_until("the changed clients file is loaded", async || {
            self.can_authenticate((&marker, "the secret of the marker")).await
        })
        .await;
    }

    /// Command line arguments that select this server's data.
    pub fn cli_arguments(&self) -> Vec<String> {
        let set = |key: &str, value: &std::path::Path| {
            ["--set".to_owned(), format!("{key}={}", value.display())]
        };
        [set("data_dir", &self.settings.data_dir), set("clients_file", &self.clients_file())]
            .concat()
    }
}

impl Deref for TestServer {
    type Target = HttpClient;

    fn deref(&self) -> &HttpClient {
        &self.client
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
