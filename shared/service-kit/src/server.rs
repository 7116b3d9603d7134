use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use axum::Router;
use axum_server::{
    Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;

use crate::{
    CancellationToken, Limits, OutageSimulator, connection_cap::ConnectionCap, listen::addresses,
    outage::next_outage,
};

/// An address that this process has taken, before anything is served on it.
#[derive(Debug)]
pub struct BoundListener {
    listener: TcpListener,
    address: SocketAddr,
}

/// Why an address could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (setting `{setting}`): {}", explain(reason))]
pub struct BindError {
    address: String,
    setting: &'static str,
    reason: io::Error,
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process uses this port; stop it, or choose another port in this setting"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use this port; choose one above 1023".to_owned()
        }
        _ => format!("{error}; write it as host:port"),
    }
}

impl BoundListener {
    /// Take `address` (`host:port`; port 0 lets the system choose). `setting` is named when that
    /// fails.
    ///
    /// # Errors
    /// When the port is in use, not allowed, or the address cannot be read.
    pub fn bind(address: &str, setting: &'static str) -> Result<Self, BindError> {
        let bind = || TcpListener::bind(&addresses(address)?[..]);
        bind().and_then(Self::on).map_err(|reason| BindError {
            address: address.to_owned(),
            setting,
            reason,
        })
    }

    fn on(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// The address, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One address and what is served there.
pub struct Server {
    bound: BoundListener,
    tls: Option<RustlsConfig>,
    app: Router,
    limits: Limits,
}

impl Server {
    /// Serve `app` in plain http.
    #[must_use]
    pub fn new(bound: BoundListener, app: Router, limits: &Limits) -> Self {
        Self { bound, tls: None, app, limits: limits.clone() }
    }

    /// Serve over TLS instead.
    #[must_use]
    pub fn with_tls(self, tls: RustlsConfig) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        self.run_with_outages(&OutageSimulator::default(), stop).await
    }

    /// The same, with absences between.
    ///
    /// # Errors
    /// When the listener fails, or the address is taken when the server comes back.
    pub async fn run_with_outages(
        mut self,
        absences: &OutageSimulator,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let mut listener = absences.listen();
        loop {
            let (address, pause) = (self.bound.address, stop.child_token());
            let serving = Self::serve(
                self.bound,
                self.tls.clone(),
                self.app.clone(),
                &self.limits,
                pause.clone(),
            );
            tokio::pin!(serving);
            let length = tokio::select! {
                ended = &mut serving => return ended,
                length = next_outage(&mut listener) => length,
            };
            pause.cancel();
            serving.await?;
            tracing::warn!(%address, ?length, "away, as a test control asks");
            tokio::select! {
                () = tokio::time::sleep(length) => (),
                () = stop.cancelled() => return Ok(()),
            }
            self.bound = BoundListener::on(TcpListener::bind(address)?)?;
        }
    }

    async fn serve(
        bound: BoundListener,
        tls: Option<RustlsConfig>,
        app: Router,
        limits: &Limits,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let handle = Handle::new();
        tokio::spawn(drain(handle.clone(), stop, limits.drain_time()));
        // HTTP/2 has no limit for a connection on which nothing is asked; see decision 13.
        let mut server = axum_server::from_tcp(bound.listener)?.handle(handle).http1_only();
        // A caller that sends its headers byte by byte (slowloris), or nothing more at all, holds a
        // connection for nothing.
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time());
        let cap = ConnectionCap::new(limits.connections);
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        match tls {
            Some(tls) => {
                server.acceptor(RustlsAcceptor::new(tls).acceptor(cap)).serve(service).await
            }
            None => server.acceptor(cap).serve(service).await,
        }
    }
}

async fn drain(handle: Handle<SocketAddr>, stop: CancellationToken, time: std::time::Duration) {
    stop.cancelled().await;
    handle.graceful_shutdown(Some(time));
}
