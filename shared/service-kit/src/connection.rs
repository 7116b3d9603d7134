use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum_server::accept::Accept;
use http::{Extensions, Request};
use tokio::{net::TcpStream, time::timeout};
use tower::Service;

use crate::{
    ClientAddress, ProxySettings,
    connection_cap::{ConnectionCap, ConnectionPermit},
    log_limit::LogLimit,
    proxies::{ProxyHeaderError, read_source},
};

/// Accepts connections within [`ConnectionCap`], and determines where they come from.
#[derive(Clone)]
pub(crate) struct ConnectionAcceptor {
    pub cap: ConnectionCap,
    pub proxies: Arc<ProxySettings>,
    /// Time for the PROXY protocol header.
    pub header_timeout: Duration,
    /// Limits the log lines about headers that cannot be used.
    pub proxy_errors: Arc<LogLimit>,
}

/// The service of one connection. Dropping it releases the permit.
#[derive(Clone)]
pub(crate) struct ConnectionService<S> {
    inner: S,
    connection: Arc<Connection>,
}

/// The address of this machine at which a connection has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalAddress(IpAddr);

impl LocalAddress {
    /// Returns whether a request came over a connection to a loopback address.
    pub(crate) fn is_loopback(extensions: &Extensions) -> bool {
        extensions.get::<Self>().is_some_and(|local| local.0.is_loopback())
    }
}

struct Connection {
    local: LocalAddress,
    /// The peer, or the source that its PROXY protocol header names.
    peer: IpAddr,
    proxies: Arc<ProxySettings>,
    _permit: ConnectionPermit,
}

type Accepted<S> = io::Result<(TcpStream, ConnectionService<S>)>;

impl<S: Send + 'static> Accept<TcpStream, S> for ConnectionAcceptor {
    type Stream = TcpStream;
    type Service = ConnectionService<S>;
    type Future = Pin<Box<dyn Future<Output = Accepted<S>> + Send>>;

    fn accept(&self, stream: TcpStream, inner: S) -> Self::Future {
        let acceptor = self.clone();
        Box::pin(async move {
            let (stream, connection) = acceptor.establish(stream).await?;
            Ok((stream, ConnectionService { inner, connection: Arc::new(connection) }))
        })
    }
}

impl ConnectionAcceptor {
    async fn establish(self, mut stream: TcpStream) -> io::Result<(TcpStream, Connection)> {
        let too_many = || io::Error::other("too many connections");
        let mut peer = stream.peer_addr()?.ip().to_canonical();
        let local = LocalAddress(stream.local_addr()?.ip().to_canonical());
        let mut permit = self.cap.acquire(peer).ok_or_else(too_many)?;
        stream.set_nodelay(true)?;
        if self.proxies.proxy_protocol.contains(peer) {
            match self.read_proxy_header(&mut stream).await {
                Ok(source) => peer = source.unwrap_or(peer),
                Err(error) => {
                    self.log_proxy_error(peer, &error);
                    return Err(io::Error::other(error));
                }
            }
        }
        // A proxy that forwards requests holds the connections of many clients.
        if !self.proxies.trusted.contains(peer) {
            permit = permit.for_address(peer).ok_or_else(too_many)?;
        }
        Ok((stream, Connection { local, peer, proxies: self.proxies, _permit: permit }))
    }

    /// A load balancer that probes the port sends nothing, which is not a mistake in the settings.
    fn log_proxy_error(&self, peer: IpAddr, error: &ProxyHeaderError) {
        if let ProxyHeaderError::Io(error) = error {
            tracing::debug!(%peer, %error, "connection of a proxy closed");
        } else if let Some(count) = self.proxy_errors.count(Instant::now()) {
            tracing::warn!(
                %peer,
                %error,
                count,
                "connections of a proxy closed; it must send the PROXY protocol version 2, \
                 or not be in `proxies.proxy_protocol`"
            );
        }
    }

    async fn read_proxy_header(
        &self,
        stream: &mut TcpStream,
    ) -> Result<Option<IpAddr>, ProxyHeaderError> {
        timeout(self.header_timeout, read_source(stream))
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ConnectionService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let Connection { local, peer, proxies, .. } = &*self.connection;
        // At every request, because a proxy sends those of many clients on one connection.
        let client = proxies.client_address(*peer, request.headers());
        request.extensions_mut().insert(ClientAddress(client));
        request.extensions_mut().insert(*local);
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, log_limit::tests::logged};

    #[test]
    fn missing_proxy_header_is_a_warning_and_a_probe_of_the_port_is_none() {
        let acceptor = ConnectionAcceptor {
            cap: ConnectionCap::new(&Limits::default()),
            proxies: Arc::default(),
            header_timeout: Duration::from_secs(1),
            proxy_errors: Arc::default(),
        };
        let peer = IpAddr::from([10, 0, 0, 1]);
        let probe = ProxyHeaderError::Io(io::ErrorKind::UnexpectedEof.into());
        assert_eq!(logged(|| acceptor.log_proxy_error(peer, &probe)), "");
        let log = logged(|| {
            for _ in 0..3 {
                acceptor.log_proxy_error(peer, &ProxyHeaderError::Missing);
            }
        });
        assert!(log.contains(" WARN ") && log.contains("peer=10.0.0.1"), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}
