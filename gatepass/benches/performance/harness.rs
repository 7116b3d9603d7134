use std::{net::SocketAddr, sync::Arc, time::Duration};

use auth_server::{
    AuthServer, AuthServerSettings, Listeners, SecureRandom,
    storage::{PostgresStore, SqliteStore, Store},
};
use axum::{Router, serve::ListenerExt};
use clock::Clock;
use flow_events::EventSink;
use gatepass::observe::wait_until_ready;
use service_b::{ServiceB, ServiceBSettings};
use service_kit::{BoundListener, CancellationToken, Limits, SecretSetting, Server};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{requests::RESOURCE, token_factory::TokenFactory};

const FREE_PORT: &str = "127.0.0.1:0";
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// C's database file in its data folder.
pub const DATABASE: &str = "auth-server.db";

/// Serves C, B and the limits in one runtime, over plain HTTP.
pub struct Harness {
    pub runtime: Runtime,
    pub c: SocketAddr,
    pub token_factory: Arc<TokenFactory>,
    /// C's database, opened a second time.
    pub store: Arc<dyn Store>,
    issuer: String,
    _folder: TempDir,
}

impl Harness {
    /// Starts C with an empty SQLite database.
    pub fn with_c() -> anyhow::Result<Self> {
        Self::with_c_in(tempfile::tempdir()?, None)
    }

    /// Starts C with PostgreSQL.
    pub fn with_c_on(database_url: &str) -> anyhow::Result<Self> {
        Self::with_c_in(tempfile::tempdir()?, Some(SecretSetting::new(database_url)))
    }

    /// Starts C with the database in a folder, or with PostgreSQL.
    pub fn with_c_in(folder: TempDir, database_url: Option<SecretSetting>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let http = BoundListener::bind(FREE_PORT, "listen")?;
        let c = http.address();
        let listeners = Listeners { http: Some(http), tls: None, manage: None, control: None };
        let settings = AuthServerSettings {
            issuer: format!("http://{c}").parse()?,
            data_dir: folder.path().to_owned(),
            database_url,
            ..AuthServerSettings::default()
        };
        let issuer = settings.issuer();
        let (clock, random) = (Clock::system(), SecureRandom::system());
        let prepared = AuthServer::prepare(
            settings.clone(),
            listeners,
            clock.clone(),
            random,
            EventSink::disabled(),
        );
        runtime.spawn(runtime.block_on(prepared)?.run(CancellationToken::new()));
        let (store, token_factory) = runtime.block_on(async {
            let store = open(&settings).await?;
            let token_factory =
                TokenFactory::open(&*store, issuer.clone(), clock.seconds()).await?;
            anyhow::Ok((store, Arc::new(token_factory)))
        })?;
        Ok(Self { runtime, c, token_factory, store, issuer, _folder: folder })
    }

    /// The issuer identifier of C, which is also its address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Starts a B that verifies locally, and waits until it has fetched C's keys.
    pub fn add_b(&self) -> anyhow::Result<SocketAddr> {
        let settings = ServiceBSettings {
            listen: FREE_PORT.to_owned(),
            issuer: self.issuer.clone(),
            resource: RESOURCE.to_owned(),
            ..ServiceBSettings::default()
        };
        let listeners = service_kit::Listeners::bind(&settings)?;
        let address = listeners.public.address();
        let _context = self.runtime.enter();
        let b = ServiceB::prepare(&settings, listeners, Clock::system(), EventSink::disabled())?;
        let readiness = b.readiness();
        self.runtime.spawn(b.run(CancellationToken::new()));
        self.runtime.block_on(wait_until_ready(&readiness, START_TIMEOUT))?;
        Ok(address)
    }

    /// Serves a limit with our layers and our listener.
    pub fn add_in_our_layers(&self, app: Router) -> anyhow::Result<SocketAddr> {
        let bound = BoundListener::bind(FREE_PORT, "listen")?;
        let address = bound.address();
        self.runtime
            .spawn(Server::new(bound, app, &Limits::default()).run(CancellationToken::new()));
        Ok(address)
    }

    /// Serves a limit with bare axum.
    pub fn add_bare(&self, app: Router) -> anyhow::Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind(FREE_PORT))?;
        let address = listener.local_addr()?;
        // As in our server: without it, small responses are delayed (Nagle).
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        self.runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(address)
    }
}

async fn open(settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &settings.database_url {
        Some(url) => Arc::new(PostgresStore::connect(url.expose()).await?),
        None => Arc::new(SqliteStore::open(&settings.data_dir.join(DATABASE)).await?),
    })
}
