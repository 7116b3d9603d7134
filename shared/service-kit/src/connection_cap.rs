use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the number of open connections. A connection beyond the limit is closed before anything
/// is read from it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionCap(Arc<Semaphore>);

/// Counts as one open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit(
    #[expect(dead_code, reason = "released on drop")] OwnedSemaphorePermit,
);

impl ConnectionCap {
    pub(crate) fn new(max_connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))))
    }

    pub(crate) fn acquire(&self) -> Option<ConnectionPermit> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(ConnectionPermit)
    }
}
