use serde::{Deserialize, Serialize};

/// How long lives what is issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// How long an access token lives, in seconds.
    pub access_seconds: u32,
    /// How long an authorization code waits to be fetched, in seconds: 60 at most.
    pub code_seconds: u32,
    /// How long a refresh token lives, in seconds; each use gives a new one.
    pub refresh_seconds: u32,
    /// For how long a used refresh token is taken for the same request again, whose answer was
    /// lost, in seconds.
    pub refresh_retry_seconds: u32,
    /// How long an ID token may be believed, in seconds.
    pub id_token_seconds: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_seconds: 1_800,
            code_seconds: 60,
            refresh_seconds: 30 * 86_400,
            refresh_retry_seconds: 10,
            id_token_seconds: 3_600,
        }
    }
}

/// Verifiers' clocks may run behind; a key stays published for that much longer than the last token
/// that it signed.
const CLOCK_SKEW_SECONDS: u32 = 300;

impl TokenSettings {
    /// For how long a key that signs no more stays published, in seconds.
    pub fn key_overlap(&self) -> i64 {
        i64::from(self.access_seconds.max(self.id_token_seconds)) + i64::from(CLOCK_SKEW_SECONDS)
    }
}
