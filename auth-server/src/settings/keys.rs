use serde::{Deserialize, Serialize};
use service_kit::SecretSetting;

use crate::domain::Algorithm;

/// RFC 7518 §3.2: an HS256 secret is at least as long as the hash.
const HS256_SECRET_BYTES: usize = 32;

/// With what tokens are signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// `ES256`, `EdDSA`, `RS256`, or for learning `HS256`.
    pub algorithm: Algorithm,
    /// After so many days the next key takes over; 0 for never.
    pub rotation_days: u32,
    /// The secret that C and B share under HS256: 32 bytes at least.
    pub hs256_secret: Option<SecretSetting>,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), rotation_days: 30, hs256_secret: None }
    }
}

impl KeySettings {
    pub(super) fn check(&self) -> Result<(), String> {
        let secret = self.hs256_secret.as_ref().map(|secret| secret.expose().len());
        if self.algorithm == Algorithm::HS256
            && secret.is_none_or(|bytes| bytes < HS256_SECRET_BYTES)
        {
            return Err(format!(
                "keys.hs256_secret: HS256 needs a secret of at least {HS256_SECRET_BYTES} bytes (RFC 7518 section 3.2), shared with B"
            ));
        }
        Ok(())
    }
}
