use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Limits,
    address_counts::{AddressCounts, AddressPermit},
    descriptors::{self, ProcessConnections},
};

/// The interval between two log lines about closed connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// Connections of a listener with its own ones. [`descriptors`] leaves room for them.
const RESERVED_CONNECTIONS: usize = 32;

/// Limits the number of open connections in total and by address, at this listener and in the whole
/// process. A connection beyond a limit is closed before anything is read from it.
#[derive(Clone)]
pub(crate) struct ConnectionCap(Arc<Inner>);

struct Inner {
    listener: Arc<Semaphore>,
    by_address: Arc<AddressCounts>,
    process: ProcessConnections,
    /// The limits in force, for the log.
    max_connections: usize,
    max_per_address: usize,
    closed: Mutex<ClosedConnections>,
}

/// Counts as one open connection until it is dropped.
pub(crate) struct ConnectionPermit {
    cap: ConnectionCap,
    _total: [OwnedSemaphorePermit; 2],
    _for_address: Option<[AddressPermit; 2]>,
}

/// The limit that a connection exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exceeded {
    Total,
    PerAddress,
}

/// Counts of closed connections since the last log line.
#[derive(Default)]
struct ClosedConnections {
    total: u64,
    per_address: u64,
    logged_at: Option<Instant>,
}

impl ConnectionCap {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::within(limits, descriptors::connections())
    }

    /// Returns the limits of a listener whose connections are not among those of the process.
    pub(crate) fn reserved(limits: &Limits) -> Self {
        Self::within(limits, ProcessConnections::new(RESERVED_CONNECTIONS))
    }

    fn within(limits: &Limits, process: ProcessConnections) -> Self {
        Self(Arc::new(Inner {
            listener: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
            by_address: AddressCounts::new(limits.max_connections_per_address),
            max_connections: limits.max_connections.min(process.max),
            max_per_address: limits.max_connections_per_address.min(process.max_per_address()),
            process,
            closed: Mutex::default(),
        }))
    }

    /// Counts a connection in total.
    pub(crate) fn acquire(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let permit = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        let total = permit(&self.0.listener)
            .and_then(|listener| Some([listener, permit(&self.0.process.total)?]));
        match total {
            Some(total) => {
                Some(ConnectionPermit { cap: self.clone(), _total: total, _for_address: None })
            }
            None => {
                self.log_closed(Exceeded::Total, peer);
                None
            }
        }
    }

    fn log_closed(&self, exceeded: Exceeded, peer: IpAddr) {
        // The counts stay consistent if a thread panics while it holds the lock.
        let mut closed = self.0.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = closed.add(exceeded, Instant::now());
        drop(closed);
        if let Some((total, per_address)) = counts {
            tracing::warn!(
                last_peer = %peer,
                over_total = total,
                over_address = per_address,
                max_connections = self.0.max_connections,
                max_connections_per_address = self.0.max_per_address,
                "connection limit reached; connections closed"
            );
        }
    }
}

impl ConnectionPermit {
    /// Counts the connection for an address as well. Returns `None` if that address has too many.
    pub(crate) fn for_address(mut self, address: IpAddr) -> Option<Self> {
        let Inner { by_address, process, .. } = &*self.cap.0;
        let permits = by_address
            .acquire(address)
            .and_then(|listener| Some([listener, process.by_address.acquire(address)?]));
        if permits.is_none() {
            self.cap.log_closed(Exceeded::PerAddress, address);
            return None;
        }
        self._for_address = permits;
        Some(self)
    }
}

impl ClosedConnections {
    /// Counts a closed connection. Returns both counts if they should be logged now.
    fn add(&mut self, exceeded: Exceeded, now: Instant) -> Option<(u64, u64)> {
        match exceeded {
            Exceeded::Total => self.total += 1,
            Exceeded::PerAddress => self.per_address += 1,
        }
        let due = self.logged_at.is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL);
        due.then(|| {
            let counts = (self.total, self.per_address);
            *self = Self { logged_at: Some(now), ..Self::default() };
            counts
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_limit::tests::logged;

    fn cap(max_connections: usize, max_connections_per_address: usize) -> ConnectionCap {
        let limits = Limits { max_connections, max_connections_per_address, ..Limits::default() };
        ConnectionCap::new(&limits)
    }

    fn connect(cap: &ConnectionCap, address: &str) -> Option<ConnectionPermit> {
        let address = address.parse().unwrap();
        cap.acquire(address)?.for_address(address)
    }

    #[test]
    fn one_address_leaves_connections_to_others() {
        let cap = cap(5, 2);
        let open: Vec<_> = (0..4).filter_map(|_| connect(&cap, "192.0.2.1")).collect();
        assert_eq!(open.len(), 2);
        assert!(connect(&cap, "192.0.2.2").is_some());
        drop(open);
        assert!(connect(&cap, "192.0.2.1").is_some(), "closed connections do not count");
    }

    #[test]
    fn one_address_gets_half_of_the_process_over_all_listeners() {
        let process = ProcessConnections::new(4);
        let listeners = [(); 3].map(|()| {
            let limits = Limits { max_connections_per_address: 2, ..Limits::default() };
            ConnectionCap::within(&limits, process.clone())
        });
        let open: Vec<_> =
            listeners.iter().filter_map(|listener| connect(listener, "192.0.2.1")).collect();
        assert_eq!(open.len(), 2);
        assert!(connect(&listeners[2], "192.0.2.2").is_some());
    }

    #[test]
    fn total_limits_all_addresses() {
        let cap = cap(2, 2);
        let _open = ["192.0.2.1", "192.0.2.2"].map(|address| connect(&cap, address).unwrap());
        assert!(connect(&cap, "192.0.2.3").is_none());
    }

    #[test]
    fn full_cap_is_logged_with_its_limits() {
        for (max_connections, max_per_address, counts) in
            [(1, 5, "over_total=1 over_address=0"), (5, 1, "over_total=0 over_address=1")]
        {
            let cap = cap(max_connections, max_per_address);
            let _open = connect(&cap, "192.0.2.1").unwrap();
            let log = logged(|| assert!(connect(&cap, "192.0.2.1").is_none()));
            let limits = format!(
                "max_connections={max_connections} max_connections_per_address={max_per_address}"
            );
            for expected in ["connection limit reached", "last_peer=192.0.2.1", counts, &limits] {
                assert!(log.contains(expected), "{expected}: {log}");
            }
        }
    }

    #[test]
    fn closed_connections_are_logged_once_a_minute_with_their_counts() {
        let (mut closed, start) = (ClosedConnections::default(), Instant::now());
        let mut add =
            |exceeded, seconds| closed.add(exceeded, start + Duration::from_secs(seconds));
        assert_eq!(add(Exceeded::Total, 0), Some((1, 0)));
        assert_eq!(add(Exceeded::Total, 1), None);
        assert_eq!(add(Exceeded::PerAddress, 59), None);
        assert_eq!(add(Exceeded::PerAddress, 60), Some((1, 2)));
        assert_eq!(add(Exceeded::PerAddress, 61), None);
    }
}
