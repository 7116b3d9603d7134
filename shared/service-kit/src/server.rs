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
use futures_util::future::try_join_all;
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
    /// One for each address of the host name, all with the same port.
    listeners: Vec<TcpListener>,
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
        _ => error.to_string(),
    }
}

impl BoundListener {
    /// Binds `address` (`host:port`; with port 0 the system chooses one). `setting` is the name of
    /// the setting for the error message.
    ///
    /// # Errors
    /// Returns an error if the port is in use or not permitted, or the address is malformed.
    pub fn bind(address: &str, setting: &'static str) -> Result<Self, BindError> {
        addresses(address).and_then(|all| Self::on(&all)).map_err(|reason| BindError::Refused {
            address: address.to_owned(),
            setting,
            reason,
        })
    }

    /// Binds every address that this machine has: `localhost` may be `::1` and 127.0.0.1, and
    /// programs differ in which of them they try. The system chooses at most one port.
    fn on(all: &[SocketAddr]) -> io::Result<Self> {
        let mut listeners: Vec<TcpListener> = Vec::new();
        let (mut bound, mut unavailable) = (Vec::new(), None);
        for wanted in all {
            let mut address = *wanted;
            if let (0, Some(first)) = (address.port(), bound.first()) {
                address.set_port(SocketAddr::port(first));
            }
            match TcpListener::bind(address) {
                Ok(listener) => {
                    listener.set_nonblocking(true)?;
                    bound.push(listener.local_addr()?);
                    listeners.push(listener);
                }
                // The name has addresses of a protocol that this machine does not use.
                Err(error) if is_unavailable(&error) => unavailable = Some(error),
                // A resolver may return an address twice.
                Err(_) if bound.contains(&address) => {}
                Err(error) => return Err(error),
            }
        }
        let none = || unavailable.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
        let address = *bound.first().ok_or_else(none)?;
        Ok(Self { listeners, address })
    }

    fn all_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Returns another handle of the same listener. Connections that no server accepts wait in its
    /// backlog.
    ///
    /// # Errors
    /// Returns an error if the system has no handle left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let listeners = self.listeners.iter().map(TcpListener::try_clone);
        Ok(Self { listeners: listeners.collect::<Result<_, _>>()?, address: self.address })
    }

    /// Returns the first bound address, with the actual port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Returns whether the address, not its port, is the reason. A system without IPv6 has several
/// errors for that.
fn is_unavailable(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

/// A listener and the application served on it.
pub struct Server {
    bound: BoundListener,
    tls: Option<RustlsConfig>,
    app: Router,
    limits: Limits,
    proxies: Arc<ProxySettings>,
    has_reserved_connections: bool,
}

impl Server {
    /// Serves `app` over plain http, with no trusted proxies.
    #[must_use]
    pub fn new(bound: BoundListener, app: Router, limits: &Limits) -> Self {
        Self {
            bound,
            tls: None,
            app,
            limits: limits.clone(),
            proxies: Arc::default(),
            has_reserved_connections: false,
        }
    }

    /// Gives the listener connections of its own, which those of the other listeners cannot use up.
    #[must_use]
    pub(crate) fn with_reserved_connections(self) -> Self {
        Self { has_reserved_connections: true, ..self }
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
            let (addresses, pause) = (self.bound.all_addresses()?, shutdown.child_token());
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
            tracing::warn!(?addresses, ?length, "simulated outage started");
            tokio::select! {
                () = tokio::time::sleep(length) => (),
                () = shutdown.cancelled() => return Ok(()),
            }
            self.bound = BoundListener::on(&addresses)?;
        }
    }

    fn acceptor(&self) -> ConnectionAcceptor {
        ConnectionAcceptor {
            cap: match self.has_reserved_connections {
                true => ConnectionCap::reserved(&self.limits),
                false => ConnectionCap::new(&self.limits),
            },
            proxies: Arc::clone(&self.proxies),
            header_timeout: self.limits.header_timeout(),
            proxy_errors: Arc::default(),
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
        let servers = bound.listeners.into_iter().map(|listener| {
            let (acceptor, tls, app) = (acceptor.clone(), tls.clone(), app.clone());
            Self::serve_on(listener, acceptor, tls, app, limits, shutdown.clone())
        });
        try_join_all(servers).await.map(drop)
    }

    async fn serve_on(
        listener: TcpListener,
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
        let mut server = axum_server::from_tcp(listener)?.handle(handle).http1_only();
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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn every_address_of_a_name_is_bound_to_one_port() {
        let second = SocketAddr::from(([127, 0, 0, 2], 0));
        let bound = BoundListener::on(&[FREE, second]).unwrap();
        let port = bound.address().port();
        let expected = [([127, 0, 0, 1], port), ([127, 0, 0, 2], port)].map(SocketAddr::from);
        assert_eq!(bound.all_addresses().unwrap(), expected);
        let error = BoundListener::on(&expected).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn addresses_that_this_machine_lacks_are_left_out() {
        // TEST-NET-1 (RFC 5737).
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let bound = BoundListener::on(&[foreign, FREE]).unwrap();
        assert_eq!(bound.all_addresses().unwrap(), [bound.address()]);
        let error = BoundListener::on(&[foreign]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
