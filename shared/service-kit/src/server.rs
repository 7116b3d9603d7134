use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{Router, middleware::from_fn};
use axum_server::{
    Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;

use crate::{
    CancellationToken, Limits, OutageSimulator, ProxySettings, connection::ConnectionAcceptor,
    connection_cap::ConnectionCap, hsts::strict_transport_security, listen::addresses,
    outage::next_outage,
};

/// A bound listener on which nothing is served yet. Connections wait in the backlog until
/// [`Server::run`].
#[derive(Debug)]
pub struct BoundListener {
    listener: TcpListener,
    address: SocketAddr,
}

/// Why an address cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refuses to bind the address.
    #[error("cannot listen on {address} (setting `{setting}`): {}", explain(reason))]
    Refused {
        /// The value of the setting.
        address: String,
        /// The name of the setting.
        setting: &'static str,
        /// The error of the system.
        reason: io::Error,
    },
    /// Two listeners of one server have the same address.
    #[error("{0}")]
    SharedAddress(String),
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use by another process; stop it or choose another port".to_owned()
        }
        io::ErrorKind::PermissionDenied => "permission denied; choose a port above 1023".to_owned(),
        _ => format!("{error}; the format is host:port"),
    }
}

impl BoundListener {
    /// Binds `address` (`host:port`; with port 0 the system chooses one). `setting` is the name of
    /// the setting for the error message.
    ///
    /// # Errors
    /// Returns an error if the port is in use or not permitted, or the address is malformed.
    pub fn bind(address: &str, setting: &'static str) -> Result<Self, BindError> {
        let bind = || TcpListener::bind(&addresses(address)?[..]);
        bind().and_then(Self::on).map_err(|reason| BindError::Refused {
            address: address.to_owned(),
            setting,
            reason,
        })
    }

    fn on(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// Returns the bound address, with the actual port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A listener and the application served on it.
pub struct Server {
    bound: BoundListener,
    tls: Option<RustlsConfig>,
    app: Router,
    limits: Limits,
    proxies: Arc<ProxySettings>,
}

impl Server {
    /// Serves `app` over plain http, with no trusted proxies.
    #[must_use]
    pub fn new(bound: BoundListener, app: Router, limits: &Limits) -> Self {
        Self { bound, tls: None, app, limits: limits.clone(), proxies: Arc::default() }
    }

    /// Takes the client's address from these proxies.
    #[must_use]
    pub fn with_proxies(self, proxies: &ProxySettings) -> Self {
        Self { proxies: Arc::new(proxies.clone()), ..self }
    }

    /// Serves over TLS instead, with HTTP Strict Transport Security.
    #[must_use]
    pub fn with_tls(self, tls: RustlsConfig) -> Self {
        let app = self.app.layer(from_fn(strict_transport_security));
        Self { tls: Some(tls), app, ..self }
    }

    /// Serves until `shutdown` is cancelled, then lets running requests finish within
    /// `limits.drain_timeout_seconds`.
    ///
    /// # Errors
    /// Returns an error if the listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> io::Result<()> {
        self.run_with_outages(&OutageSimulator::default(), shutdown).await
    }

    /// Serves like [`Server::run`], interrupted by the outages of `simulator`.
    ///
    /// # Errors
    /// Returns an error if the listener fails, or the address is in use by another process after an
    /// outage.
    pub async fn run_with_outages(
        mut self,
        simulator: &OutageSimulator,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let mut outages = simulator.subscribe();
        loop {
            let (address, pause) = (self.bound.address, shutdown.child_token());
            let acceptor = self.acceptor();
            let serving = Self::serve(
                self.bound,
                acceptor,
                self.tls.clone(),
                self.app.clone(),
                &self.limits,
                pause.clone(),
            );
            tokio::pin!(serving);
            let length = tokio::select! {
                ended = &mut serving => return ended,
                length = next_outage(&mut outages) => length,
            };
            pause.cancel();
            serving.await?;
            tracing::warn!(%address, ?length, "simulated outage started");
            tokio::select! {
                () = tokio::time::sleep(length) => (),
                () = shutdown.cancelled() => return Ok(()),
            }
            self.bound = BoundListener::on(TcpListener::bind(address)?)?;
        }
    }

    fn acceptor(&self) -> ConnectionAcceptor {
        ConnectionAcceptor {
            cap: ConnectionCap::new(&self.limits),
            proxies: Arc::clone(&self.proxies),
            header_timeout: self.limits.header_timeout(),
        }
    }

    async fn serve(
        bound: BoundListener,
        acceptor: ConnectionAcceptor,
        tls: Option<RustlsConfig>,
        app: Router,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let handle = Handle::new();
        tokio::spawn(drain(handle.clone(), shutdown, limits.drain_timeout()));
        // HTTP/1.1 only: HTTP/2 offers no timeout for idle connections
        // (docs/decisions/0013-http-1.md).
        let mut server = axum_server::from_tcp(bound.listener)?.handle(handle).http1_only();
        // Closes connections whose headers arrive too slowly (slowloris) or not at all.
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout());
        let service = app.into_make_service();
        match tls {
            Some(tls) => {
                server.acceptor(RustlsAcceptor::new(tls).acceptor(acceptor)).serve(service).await
            }
            None => server.acceptor(acceptor).serve(service).await,
        }
    }
}

async fn drain(
    handle: Handle<SocketAddr>,
    shutdown: CancellationToken,
    timeout: std::time::Duration,
) {
    shutdown.cancelled().await;
    handle.graceful_shutdown(Some(timeout));
}
