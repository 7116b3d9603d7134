use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one caller may take of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// How long a caller may take to send the headers, in seconds.
    pub header_seconds: u64,
    /// How long a whole request may take, its body included, in seconds.
    pub request_seconds: u64,
    /// How many connections may be open at once. The next one is closed at once.
    pub connections: usize,
    /// How long running requests may go on after a stop was asked for, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 64 * 1024, header_seconds: 10, request_seconds: 30, connections: 10_000, drain_seconds: 10 }
    }
}

impl Limits {
    pub(crate) fn header_time(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub(crate) fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
