use std::sync::{Arc, LazyLock};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;

use crate::address_counts::AddressCounts;

static CONNECTIONS: LazyLock<ProcessConnections> =
    LazyLock::new(|| ProcessConnections::new(connections_within(raise_limit())));
/// Taken instead of an unlimited number of descriptors.
const UNLIMITED: u64 = 1 << 20;

/// The connections that the descriptors of this process can hold, over all of its listeners.
#[derive(Clone)]
pub(crate) struct ProcessConnections {
    pub(crate) total: Arc<Semaphore>,
    /// If few descriptors are available, one address must not use all of them.
    pub(crate) by_address: Arc<AddressCounts>,
}

impl ProcessConnections {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            total: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            by_address: AddressCounts::new((max / 2).max(1)),
        }
    }
}

/// Returns the connections of this process. The first call raises the limit of open files.
pub(crate) fn connections() -> ProcessConnections {
    CONNECTIONS.clone()
}

/// Raises the soft limit of open files to the hard one, and returns it. The soft limit is often
/// 1024 for the sake of programs that use `select`; this one does not.
fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = current.unwrap_or(UNLIMITED);
    let Some(hard) = maximum.filter(|hard| *hard > before) else { return before };
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => {
            tracing::info!(from = before, to = hard, "limit of open files raised");
            hard
        }
        Err(error) => {
            tracing::warn!(%error, limit = before, "failed to raise the limit of open files");
            before
        }
    }
}

/// Returns how many connections fit into this many descriptors. The rest is for the database, for
/// outbound connections and for files.
fn connections_within(descriptors: u64) -> usize {
    let reserved = (descriptors / 4).clamp(64, 1_024).min(descriptors / 2);
    usize::try_from(descriptors - reserved).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limit_is_raised_to_the_hard_one() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let hard = maximum.unwrap_or(UNLIMITED);
        let lower = Some(current.unwrap_or(UNLIMITED).min(hard) - 1);
        setrlimit(Resource::Nofile, Rlimit { current: lower, maximum }).unwrap();
        raise_limit();
        assert!(maximum.is_none() || getrlimit(Resource::Nofile).current == maximum);
    }

    #[test]
    fn some_descriptors_are_reserved() {
        for (descriptors, connections) in
            [(1_048_576, 1_047_552), (1_024, 768), (256, 192), (64, 32), (0, 0)]
        {
            assert_eq!(connections_within(descriptors), connections, "{descriptors}");
        }
    }
}
