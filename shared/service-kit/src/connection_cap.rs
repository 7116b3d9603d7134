use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use oauth_types::caller_network;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Limits, descriptors};

/// The interval between two log lines about closed connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Limits the number of open connections in total and by address. A connection beyond a limit is
/// closed before anything is read from it.
#[derive(Clone)]
pub(crate) struct ConnectionCap(Arc<Inner>);

struct Inner {
    listener: Arc<Semaphore>,
    process: Arc<Semaphore>,
    max_connections: usize,
    max_per_address: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    closed: Mutex<ClosedConnections>,
}

/// Counts as one open connection until it is dropped.
pub(crate) struct ConnectionPermit {
    cap: ConnectionCap,
    /// The network that the connection is counted for.
    network: Option<IpAddr>,
    _total: [OwnedSemaphorePermit; 2],
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
        let process = descriptors::connections();
        // If few descriptors are available, one address must not use all of them.
        let max_per_address =
            limits.max_connections_per_address.min((process.available_permits() / 2).max(1));
        Self(Arc::new(Inner {
            listener: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
            process,
            max_connections: limits.max_connections,
            max_per_address,
            by_address: Mutex::default(),
            closed: Mutex::default(),
        }))
    }

    /// Counts a connection in total.
    pub(crate) fn acquire(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let permit = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        let total = permit(&self.0.listener)
            .and_then(|listener| Some([listener, permit(&self.0.process)?]));
        match total {
            Some(total) => {
                Some(ConnectionPermit { cap: self.clone(), network: None, _total: total })
            }
            None => {
                self.log_closed(Exceeded::Total, peer);
                None
            }
        }
    }

    fn log_closed(&self, exceeded: Exceeded, peer: IpAddr) {
        let counts = lock(&self.0.closed).add(exceeded, Instant::now());
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
        let network = caller_network(address);
        let admitted = {
            let mut by_address = lock(&self.cap.0.by_address);
            let open = by_address.entry(network).or_default();
            let admitted = *open < self.cap.0.max_per_address;
            *open += usize::from(admitted);
            admitted
        };
        if !admitted {
            self.cap.log_closed(Exceeded::PerAddress, address);
            return None;
        }
        self.network = Some(network);
        Some(self)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut by_address = lock(&self.cap.0.by_address);
        if let Some(open) = by_address.get_mut(&network) {
            *open -= 1;
            if *open == 0 {
                by_address.remove(&network);
            }
        }
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

/// The counts stay consistent if a thread panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let other = connect(&cap, "192.0.2.2");
        assert!(other.is_some());
        drop(open);
        assert!(connect(&cap, "192.0.2.1").is_some(), "closed connections do not count");
        drop(other);
        assert!(lock(&cap.0.by_address).is_empty(), "addresses without connections are dropped");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let cap = cap(5, 1);
        let _first = connect(&cap, "2001:db8::1").unwrap();
        assert!(connect(&cap, "2001:db8::2").is_none());
        assert!(connect(&cap, "2001:db8:0:1::2").is_some());
    }

    #[test]
    fn total_limits_all_addresses() {
        let cap = cap(2, 2);
        let _open = ["192.0.2.1", "192.0.2.2"].map(|address| connect(&cap, address).unwrap());
        assert!(connect(&cap, "192.0.2.3").is_none());
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
