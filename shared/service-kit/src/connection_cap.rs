use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use axum_server::accept::{Accept, NoDelayAcceptor};
use http::Request;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::Service;

/// Limits the number of open connections. A connection beyond the limit is closed before anything
/// is read from it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionCap(Arc<Semaphore>);

/// The service of one connection. Dropping it releases the permit.
#[derive(Clone)]
pub(crate) struct WithPermit<S> {
    inner: S,
    _permit: Arc<OwnedSemaphorePermit>,
}

impl ConnectionCap {
    pub(crate) fn new(max_connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))))
    }
}

impl<S> Accept<TcpStream, S> for ConnectionCap {
    type Stream = TcpStream;
    type Service = WithPermit<S>;
    type Future = std::future::Ready<io::Result<(TcpStream, WithPermit<S>)>>;

    fn accept(&self, stream: TcpStream, inner: S) -> Self::Future {
        let permit = Arc::clone(&self.0)
            .try_acquire_owned()
            .map_err(|_| io::Error::other("too many connections"));
        std::future::ready(permit.and_then(|permit| {
            let (stream, inner) = NoDelayAcceptor::new().accept(stream, inner).into_inner()?;
            Ok((stream, WithPermit { inner, _permit: Arc::new(permit) }))
        }))
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithPermit<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.inner.call(request)
    }
}
