use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The upper bound of `max_body_bytes`. The largest legitimate request is a tenth of it.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Limits on what a single caller can use of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest request body in bytes, at most 65536. A longer one gets status 413.
    #[serde(deserialize_with = "body_bytes")]
    pub max_body_bytes: usize,
    /// Time for sending the request headers, in seconds, at least 1. Then the connection is closed.
    #[serde(deserialize_with = "at_least_one")]
    pub header_timeout_seconds: u64,
    /// Time for a whole request including its body, in seconds, at least 1. Then it gets status
    /// 408.
    #[serde(deserialize_with = "at_least_one")]
    pub request_timeout_seconds: u64,
    /// Number of connections open at the same time, at least 1. Further connections are closed
    /// immediately. Limited also by the open files that the system allows the process.
    #[serde(deserialize_with = "at_least_one")]
    pub max_connections: usize,
    /// Number of connections open at the same time from one address (IPv6: one /64 network), at
    /// least 1. Further ones are closed immediately. Limited also to half of the connections that
    /// the open files of the process allow. A proxy in `proxies.trusted` is exempt.
    #[serde(deserialize_with = "at_least_one")]
    pub max_connections_per_address: usize,
    /// Time between the moment when `/readyz` fails because of a shutdown and the moment when the
    /// public listeners close, in seconds. Behind a load balancer, the time in which it notices.
    pub drain_delay_seconds: u64,
    /// Time for running requests to finish after the public listeners have closed, in seconds.
    pub drain_timeout_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: MAX_BODY_BYTES,
            header_timeout_seconds: 10,
            request_timeout_seconds: 30,
            max_connections: 10_000,
            max_connections_per_address: 1_000,
            drain_delay_seconds: 0,
            drain_timeout_seconds: 10,
        }
    }
}

fn body_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        bytes if bytes <= MAX_BODY_BYTES => Ok(bytes),
        bytes => Err(D::Error::custom(format!(
            "max_body_bytes = {bytes} is too large: at most {MAX_BODY_BYTES}"
        ))),
    }
}

/// Rejects 0, which reads like "no limit" but would mean that no request is served.
fn at_least_one<'de, D: Deserializer<'de>, N: Deserialize<'de> + Default + PartialEq>(
    deserializer: D,
) -> Result<N, D::Error> {
    match N::deserialize(deserializer)? {
        zero if zero == N::default() => {
            Err(D::Error::custom("a limit of 0 would reject every request: use at least 1"))
        }
        limit => Ok(limit),
    }
}

impl Limits {
    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_seconds)
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    pub(crate) fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay_seconds)
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request on a connection that the server is about to close gets no response.
    #[test]
    fn servers_keep_idle_connections_longer_than_clients_do() {
        assert!(Limits::default().header_timeout() > oauth_http::POOL_IDLE_TIMEOUT);
    }

    #[test]
    fn zero_limits_and_oversized_bodies_are_rejected() {
        for name in [
            "header_timeout_seconds",
            "request_timeout_seconds",
            "max_connections",
            "max_connections_per_address",
        ] {
            assert!(toml::from_str::<Limits>(&format!("{name} = 1")).is_ok(), "{name}");
            let error = toml::from_str::<Limits>(&format!("{name} = 0")).unwrap_err().to_string();
            assert!(error.contains("use at least 1"), "{error}");
        }
        assert!(toml::from_str::<Limits>("max_body_bytes = 65536").is_ok());
        let error = toml::from_str::<Limits>("max_body_bytes = 65537").unwrap_err().to_string();
        assert!(error.contains("at most 65536"), "{error}");
    }
}
