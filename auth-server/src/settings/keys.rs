use serde::{Deserialize, Serialize};
use service_kit::SecretSetting;

use crate::domain::Algorithm;

/// Minimum length of an HS256 secret: the size of the hash output (RFC 7518 §3.2).
const MIN_HS256_SECRET_BYTES: usize = 32;

/// Signing of tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// Signature algorithm of access tokens: `ES256`, `EdDSA`, `RS256`, or `HS256` for learning.
    /// Default: `ES256`. Production rejects `HS256`, because every resource server could sign
    /// tokens with the shared secret.
    pub algorithm: Algorithm,
    /// Rotates the signing keys after this many days; 0 disables scheduled rotation. Default: 30.
    pub rotation_interval_days: u32,
    /// Secret shared with the resource servers, at least 32 bytes. Required when `algorithm` is
    /// `HS256`.
    pub hs256_secret: Option<SecretSetting>,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), rotation_interval_days: 30, hs256_secret: None }
    }
}

impl KeySettings {
    pub(super) fn check(&self) -> Result<(), String> {
        let secret_bytes = self.hs256_secret.as_ref().map(|secret| secret.expose().len());
        if self.algorithm == Algorithm::HS256
            && secret_bytes.is_none_or(|bytes| bytes < MIN_HS256_SECRET_BYTES)
        {
            return Err(format!(
                "keys.hs256_secret: HS256 needs a secret of at least {MIN_HS256_SECRET_BYTES} bytes (RFC 7518 section 3.2), shared with B"
            ));
        }
        Ok(())
    }
}
