use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;

use crate::{address_counts::AddressCounts, platform::raise_open_files_limit};

static CONNECTIONS: LazyLock<ProcessConnections> =
    LazyLock::new(|| ProcessConnections::new(connections_within(raise_open_files_limit())));

/// The connections that the descriptors of this process can hold, over all of its listeners.
#[derive(Clone)]
pub(crate) struct ProcessConnections {
    pub(crate) max: usize,
    pub(crate) total: Arc<Semaphore>,
    /// If few descriptors are available, one address must not use all of them.
    pub(crate) by_address: Arc<AddressCounts>,
}

impl ProcessConnections {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            total: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            by_address: AddressCounts::new(per_address(max)),
        }
    }

    /// The connections that one address can have.
    pub(crate) fn max_per_address(&self) -> usize {
        per_address(self.max)
    }
}

fn per_address(max: usize) -> usize {
    (max / 2).max(1)
}

/// Returns the connections of this process. The first call raises the limit of open files.
pub(crate) fn connections() -> ProcessConnections {
    CONNECTIONS.clone()
}

/// Returns how many connections fit into this many descriptors. The rest is for the management
/// listener, for the database, for outbound connections and for files.
fn connections_within(descriptors: u64) -> usize {
    let reserved = (descriptors / 4).clamp(64, 1_024).min(descriptors / 2);
    usize::try_from(descriptors - reserved).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_reserved() {
        for (descriptors, connections) in
            [(1_048_576, 1_047_552), (1_024, 768), (256, 192), (64, 32), (0, 0)]
        {
            assert_eq!(connections_within(descriptors), connections, "{descriptors}");
        }
    }
}
