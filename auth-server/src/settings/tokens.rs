use serde::{Deserialize, Serialize};

/// Lifetime of authorization codes and tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// Lifetime of an access token in seconds, at least 1. Default: 1800. Production allows at
    /// most 3600.
    pub access_token_ttl_seconds: u32,
    /// Lifetime of an authorization code in seconds, 1 to 60. Default: 60.
    pub authorization_code_ttl_seconds: u32,
    /// Lifetime of a refresh token in seconds; each refresh issues a new one. Default: 2592000 (30
    /// days).
    pub refresh_token_ttl_seconds: u32,
    /// Accepts the previous refresh token again for this many seconds after its use and returns
    /// the same successor, because the client may have missed the response. Later reuse revokes
    /// the grant (RFC 9700 §4.14.2). Default: 10.
    pub refresh_reuse_grace_seconds: u32,
    /// Lifetime of an ID token in seconds. Default: 3600.
    pub id_token_ttl_seconds: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_token_ttl_seconds: 1_800,
            authorization_code_ttl_seconds: 60,
            refresh_token_ttl_seconds: 30 * 86_400,
            refresh_reuse_grace_seconds: 10,
            id_token_ttl_seconds: 3_600,
        }
    }
}

/// Tolerated clock skew of verifiers: a retired key stays published for this much longer than the
/// last token that it signed.
const CLOCK_SKEW_SECONDS: u32 = 300;

impl TokenSettings {
    /// Returns how long a retired key stays published, in seconds.
    pub fn key_overlap(&self) -> i64 {
        i64::from(self.access_token_ttl_seconds.max(self.id_token_ttl_seconds))
            + i64::from(CLOCK_SKEW_SECONDS)
    }
}
