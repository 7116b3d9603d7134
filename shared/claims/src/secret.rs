use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A client's secret. It can be compared and sent, never printed: `Debug` shows `[hidden]`, and there is no `Display`.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

/// An access token. It can be sent, never printed: `Debug` shows its [`Fingerprint`], and there is no `Display`.
#[derive(Clone)]
pub struct AccessToken(SecretString);

/// The first 8 hexadecimal characters of a token's SHA-256: enough to follow one token through the logs of three
/// processes, useless to whoever reads them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
pub struct Fingerprint(String);

impl ClientSecret {
    /// Take a secret into custody.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    /// The secret itself. Call it only where it is compared or written to the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl AccessToken {
    /// Take a token into custody.
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }

    /// The token itself. Call it only where it is verified or written to the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What may be printed in the token's place.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.expose())
    }
}

impl Fingerprint {
    /// The fingerprint of any token or secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let hash = digest(&SHA256, secret.as_bytes());
        Self(hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[token {}]", self.fingerprint())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl<'de> Deserialize<'de> for AccessToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_secret_nor_a_token_can_be_printed() {
        assert_eq!(format!("{:?}", ClientSecret::new("abc123")), "[hidden]");
        let shown = format!("{:?}", AccessToken::new("eyJhbGciOi"));
        assert!(!shown.contains("eyJ") && shown.contains(&Fingerprint::of("eyJhbGciOi").to_string()), "{shown}");
    }

    #[test]
    fn a_fingerprint_is_eight_characters_of_the_sha_256() {
        // printf abc | sha256sum
        assert_eq!(Fingerprint::of("abc").to_string(), "ba7816bf");
    }
}
