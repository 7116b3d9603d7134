use serde::{Deserialize, Deserializer, Serialize};
use service_kit::UnsafeSetting;

/// Rate limits of secrets that can be guessed, of client registration and of outbound requests, per
/// IP network.
///
/// The limits of secrets and passwords count failures only: a success costs nothing. The others
/// count every request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Failed client authentications per client id and network. Default: 10 at once, then one
    /// every 6 seconds. Production allows at most 100 at once.
    #[serde(deserialize_with = "with_defaults::<_, 10, 6>")]
    pub client_auth: RateLimit,
    /// Failed client authentications per network, over all client ids. Default: 100 at once, then
    /// one every 3 seconds. Production allows at most 1000 at once.
    #[serde(deserialize_with = "with_defaults::<_, 100, 3>")]
    pub client_auth_address: RateLimit,
    /// Failed client authentications per client id, from a network where the client has
    /// authenticated within 24 hours. Default: 100 at once, then one every 6 seconds. Production
    /// allows at most 1000 at once.
    #[serde(deserialize_with = "with_defaults::<_, 100, 6>")]
    pub client_auth_known_network: RateLimit,
    /// Failed sign-ins per account and network. Default: 5 at once, then one every 30 seconds.
    /// Production allows at most 20 at once.
    #[serde(deserialize_with = "with_defaults::<_, 5, 30>")]
    pub sign_in: RateLimit,
    /// Failed sign-ins per network, over all accounts. Default: 100 at once, then one every 3
    /// seconds. Production allows at most 1000 at once.
    #[serde(deserialize_with = "with_defaults::<_, 100, 3>")]
    pub sign_in_address: RateLimit,
    /// Failed sign-ins of a user from a device where that user has signed in within 90 days. They
    /// do not count against the limits above, until these are used up. Default: 10 at once, then
    /// one a day. Production allows at most 20 at once.
    #[serde(deserialize_with = "with_defaults::<_, 10, 86_400>")]
    pub sign_in_known_device: RateLimit,
    /// Client registrations, changes of registered clients, and wrong registration access tokens
    /// per network; apart from these, fetches of client ID metadata documents. Default: 20 at once,
    /// then one every 60 seconds.
    #[serde(deserialize_with = "with_defaults::<_, 20, 60>")]
    pub registration: RateLimit,
    /// Pushed and signed authorization requests per network, of all clients that anyone can use:
    /// public ones, and those that registered themselves and that no operator approved. Default:
    /// 100 at once, then one every second.
    #[serde(deserialize_with = "with_defaults::<_, 100, 1>")]
    pub pushed_authorization: RateLimit,
    /// Device authorization requests per network, of the same clients. Default: 100 at once, then
    /// one every 3 seconds.
    #[serde(deserialize_with = "with_defaults::<_, 100, 3>")]
    pub device_authorization: RateLimit,
    /// Connections to one address (IPv6: one /64 network) for URLs of dynamically registered
    /// clients, over all clients. Default: 60 at once, then one every second.
    #[serde(deserialize_with = "with_defaults::<_, 60, 1>")]
    pub outbound_address: RateLimit,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// Number of attempts that are allowed at once.
    pub burst: u32,
    /// Seconds until one more attempt is allowed. Production requires at least 1.
    pub refill_seconds: u32,
}

impl RateLimit {
    /// More failures than a test makes.
    pub const UNLIMITED: Self = Self { burst: 1_000_000, refill_seconds: 1 };
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            client_auth: RateLimit { burst: 10, refill_seconds: 6 },
            client_auth_address: RateLimit { burst: 100, refill_seconds: 3 },
            client_auth_known_network: RateLimit { burst: 100, refill_seconds: 6 },
            sign_in: RateLimit { burst: 5, refill_seconds: 30 },
            sign_in_address: RateLimit { burst: 100, refill_seconds: 3 },
            sign_in_known_device: RateLimit { burst: 10, refill_seconds: 86_400 },
            registration: RateLimit { burst: 20, refill_seconds: 60 },
            pushed_authorization: RateLimit { burst: 100, refill_seconds: 1 },
            device_authorization: RateLimit { burst: 100, refill_seconds: 3 },
            outbound_address: RateLimit { burst: 60, refill_seconds: 1 },
        }
    }
}

/// Reads a limit of which one member may be missing; that one keeps its default.
fn with_defaults<'de, D: Deserializer<'de>, const BURST: u32, const REFILL_SECONDS: u32>(
    deserializer: D,
) -> Result<RateLimit, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Partial {
        burst: Option<u32>,
        refill_seconds: Option<u32>,
    }
    let Partial { burst, refill_seconds } = Partial::deserialize(deserializer)?;
    Ok(RateLimit {
        burst: burst.unwrap_or(BURST),
        refill_seconds: refill_seconds.unwrap_or(REFILL_SECONDS),
    })
}

impl RateLimitSettings {
    /// Returns limits that no test reaches.
    pub fn unlimited() -> Self {
        Self {
            client_auth: RateLimit::UNLIMITED,
            client_auth_address: RateLimit::UNLIMITED,
            client_auth_known_network: RateLimit::UNLIMITED,
            sign_in: RateLimit::UNLIMITED,
            sign_in_address: RateLimit::UNLIMITED,
            sign_in_known_device: RateLimit::UNLIMITED,
            registration: RateLimit::UNLIMITED,
            pushed_authorization: RateLimit::UNLIMITED,
            device_authorization: RateLimit::UNLIMITED,
            outbound_address: RateLimit::UNLIMITED,
        }
    }

    /// Returns the limits that hardly slow down guessing.
    pub(super) fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let limits = [
            ("rate_limits.client_auth", self.client_auth, 100),
            ("rate_limits.client_auth_address", self.client_auth_address, 1_000),
            ("rate_limits.client_auth_known_network", self.client_auth_known_network, 1_000),
            ("rate_limits.sign_in", self.sign_in, 20),
            ("rate_limits.sign_in_address", self.sign_in_address, 1_000),
            ("rate_limits.sign_in_known_device", self.sign_in_known_device, 20),
        ];
        let too_fast = limits
            .into_iter()
            .filter(|(_, limit, max_burst)| limit.burst > *max_burst || limit.refill_seconds == 0);
        too_fast
            .map(|(setting, ..)| {
                UnsafeSetting::new(
                    setting,
                    "allows secrets to be guessed quickly",
                    "use the default",
                )
            })
            .collect()
    }
}
