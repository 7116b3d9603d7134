use std::{net::SocketAddr, sync::Arc, time::Duration};

use auth_server::{
    AuthServer, AuthServerSettings, Entropy, Listeners,
    storage::{PostgresStore, SqliteStore, Store},
};
use axum::{Router, serve::ListenerExt};
use clock::Clock;
use flow_events::EventSink;
use service_b::{ServiceB, ServiceBSettings};
use service_kit::{BoundListener, CancellationToken, Limits, SecretSetting, Server};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{mint::Mint, requests::RESOURCE};

const FREE_PORT: &str = "127.0.0.1:0";
const START_LIMIT: Duration = Duration::from_secs(20);

/// C's file in its data folder.
pub const DATABASE: &str = "auth-server.db";

/// Where ours and the limits are served: in one runtime, over the same plain http, each in its
/// turn.
pub struct Stage {
    pub runtime: Runtime,
    pub c: SocketAddr,
    pub mint: Arc<Mint>,
    /// C's database, opened a second time.
    pub store: Arc<dyn Store>,
    issuer: String,
    _folder: TempDir,
}

impl Stage {
    /// C as it really runs, on an empty database in a file.
    pub fn with_c() -> anyhow::Result<Self> {
        Self::with_c_in(tempfile::tempdir()?, None)
    }

    /// C on PostgreSQL.
    pub fn with_c_on(database_url: &str) -> anyhow::Result<Self> {
        Self::with_c_in(tempfile::tempdir()?, Some(SecretSetting::new(database_url)))
    }

    /// C on what is in a folder already, or on PostgreSQL.
    pub fn with_c_in(folder: TempDir, database_url: Option<SecretSetting>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listeners = Listeners { http: BoundListener::bind(FREE_PORT, "listen")?, tls: None };
        let c = listeners.http.address();
        let settings = AuthServerSettings {
            issuer: format!("http://{c}").parse()?,
            data_dir: folder.path().to_owned(),
            database_url,
            ..AuthServerSettings::default()
        };
        let issuer = settings.issuer();
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let prepared = AuthServer::prepare(
            settings.clone(),
            listeners,
            clock.clone(),
            entropy,
            EventSink::disabled(),
        );
        runtime.spawn(runtime.block_on(prepared)?.run(CancellationToken::new()));
        let (store, mint) = runtime.block_on(async {
            let store = open(&settings).await?;
            let mint = Mint::open(&*store, issuer.clone(), clock.seconds()).await?;
            anyhow::Ok((store, Arc::new(mint)))
        })?;
        Ok(Self { runtime, c, mint, store, issuer, _folder: folder })
    }

    /// The issuer identifier of C, which is also where it is reached.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// B as it really runs, checking by itself, with C's keys fetched.
    pub fn add_b(&self) -> anyhow::Result<SocketAddr> {
        let bound = BoundListener::bind(FREE_PORT, "listen")?;
        let address = bound.address();
        let settings = ServiceBSettings {
            issuer: self.issuer.clone(),
            resource: RESOURCE.to_owned(),
            ..ServiceBSettings::default()
        };
        let _context = self.runtime.enter();
        let b = ServiceB::prepare(&settings, bound, Clock::system(), EventSink::disabled())?;
        self.runtime.spawn(b.run(CancellationToken::new()));
        let http = reqwest::Client::builder().no_proxy().build()?;
        self.runtime.block_on(gatepass::flow::ready(
            &http,
            &format!("http://{address}"),
            START_LIMIT,
        ))?;
        Ok(address)
    }

    /// A limit that stands in our layers, on our listener.
    pub fn add_in_our_layers(&self, app: Router) -> anyhow::Result<SocketAddr> {
        let bound = BoundListener::bind(FREE_PORT, "listen")?;
        let address = bound.address();
        self.runtime
            .spawn(Server::new(bound, app, &Limits::default()).run(CancellationToken::new()));
        Ok(address)
    }

    /// A limit in bare axum.
    pub fn add_bare(&self, app: Router) -> anyhow::Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind(FREE_PORT))?;
        let address = listener.local_addr()?;
        // Ours has it too; without it small answers wait for each other.
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
