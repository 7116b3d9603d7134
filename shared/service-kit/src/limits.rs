use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// No setting lets a longer body in: the biggest honest one is a tenth of it.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What one caller may take of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest request body, in bytes: 65536 at most.
    #[serde(deserialize_with = "body_bytes")]
    pub body_bytes: usize,
    /// How long a caller may take to send the headers, in seconds: one at least.
    #[serde(deserialize_with = "at_least_one")]
    pub header_seconds: u64,
    /// How long a whole request may take, its body included, in seconds: one at least.
    #[serde(deserialize_with = "at_least_one")]
    pub request_seconds: u64,
    /// How many connections may be open at once, one at least. The next one is closed at once.
    #[serde(deserialize_with = "at_least_one")]
    pub connections: usize,
    /// How long running requests may go on after a stop was asked for, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: MAX_BODY_BYTES,
            header_seconds: 10,
            request_seconds: 30,
            connections: 10_000,
            drain_seconds: 10,
        }
    }
}

fn body_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        bytes if bytes <= MAX_BODY_BYTES => Ok(bytes),
        _ => Err(D::Error::custom(format!("body_bytes is at most {MAX_BODY_BYTES}"))),
    }
}

/// Zero would be no limit to some and no service to others: here nothing could be served.
fn at_least_one<'de, D: Deserializer<'de>, N: Deserialize<'de> + Default + PartialEq>(
    deserializer: D,
) -> Result<N, D::Error> {
    match N::deserialize(deserializer)? {
        zero if zero == N::default() => {
            Err(D::Error::custom("a limit of 0 would let nothing in: 1 is the least"))
        }
        limit => Ok(limit),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_under_which_nothing_is_served_or_too_much_is_refused() {
        for name in ["header_seconds", "request_seconds", "connections"] {
            assert!(toml::from_str::<Limits>(&format!("{name} = 1")).is_ok(), "{name}");
            let refusal = toml::from_str::<Limits>(&format!("{name} = 0")).unwrap_err().to_string();
            assert!(refusal.contains("1 is the least"), "{refusal}");
        }
        assert!(toml::from_str::<Limits>("body_bytes = 65536").is_ok());
        assert!(toml::from_str::<Limits>("body_bytes = 65537").is_err());
    }
}
