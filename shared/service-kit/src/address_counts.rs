use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oauth_types::caller_network;

/// Counts what is open for each network of callers, up to a limit.
pub(crate) struct AddressCounts {
    max_per_network: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// Counts as one until it is dropped.
pub(crate) struct AddressPermit {
    counts: Arc<AddressCounts>,
    network: IpAddr,
}

impl AddressCounts {
    pub(crate) fn new(max_per_network: usize) -> Arc<Self> {
        Arc::new(Self { max_per_network, open: Mutex::default() })
    }

    /// Returns `None` if the network of this address has as many as it may have.
    pub(crate) fn acquire(self: &Arc<Self>, address: IpAddr) -> Option<AddressPermit> {
        let network = caller_network(address);
        let mut all = self.lock();
        let open = all.entry(network).or_default();
        if *open >= self.max_per_network {
            return None;
        }
        *open += 1;
        Some(AddressPermit { counts: Arc::clone(self), network })
    }

    /// The counts stay consistent if a thread panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut all = self.counts.lock();
        if let Some(open) = all.get_mut(&self.network) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(counts: &Arc<AddressCounts>, address: &str) -> Option<AddressPermit> {
        counts.acquire(address.parse().unwrap())
    }

    #[test]
    fn network_is_limited_until_permits_are_dropped() {
        let counts = AddressCounts::new(2);
        let open: Vec<_> = (0..4).filter_map(|_| acquire(&counts, "192.0.2.1")).collect();
        assert_eq!(open.len(), 2);
        assert!(acquire(&counts, "192.0.2.2").is_some());
        drop(open);
        assert!(counts.lock().is_empty(), "addresses without connections are dropped");
        assert!(acquire(&counts, "192.0.2.1").is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let counts = AddressCounts::new(1);
        let _first = acquire(&counts, "2001:db8::1").unwrap();
        assert!(acquire(&counts, "2001:db8::2").is_none());
        assert!(acquire(&counts, "2001:db8:0:1::2").is_some());
    }
}
