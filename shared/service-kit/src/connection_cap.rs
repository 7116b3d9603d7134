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

/// Lets so many connections in at once, and closes the next one before anything of it is read.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionCap(Arc<Semaphore>);

/// The service of one connection; its place is free again when it is dropped.
#[derive(Clone)]
pub(crate) struct Placed<S> {
    inner: S,
    _place: Arc<OwnedSemaphorePermit>,
}

impl ConnectionCap {
    pub(crate) fn new(connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))))
    }
}

impl<S> Accept<TcpStream, S> for ConnectionCap {
    type Stream = TcpStream;
    type Service = Placed<S>;
    type Future = std::future::Ready<io::Result<(TcpStream, Placed<S>)>>;

    fn accept(&self, stream: TcpStream, inner: S) -> Self::Future {
        let place = Arc::clone(&self.0)
            .try_acquire_owned()
            .map_err(|_| io::Error::other("too many connections"));
        std::future::ready(place.and_then(|place| {
            let (stream, inner) = NoDelayAcceptor::new().accept(stream, inner).into_inner()?;
            Ok((stream, Placed { inner, _place: Arc::new(place) }))
        }))
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Placed<S> {
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
