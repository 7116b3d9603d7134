use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Defines a string type that cannot be printed by accident: it has no `Display` and no
/// `Serialize`.
macro_rules! hidden {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Wraps a secret.
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// Returns the secret. Call this only to compare, verify or send it.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::new)
            }
        }
    };
}

/// Defines a hidden string type whose `Debug` prints a [`Fingerprint`].
macro_rules! token {
    ($(#[$about:meta])* $name:ident) => {
        hidden!($(#[$about])* $name);

        impl $name {
            /// Returns the fingerprint, which logs contain instead of the token.
            #[must_use]
            pub fn fingerprint(&self) -> Fingerprint {
                Fingerprint::of(self.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "[token {}]", self.fingerprint())
            }
        }
    };
}

hidden!(
    /// A client secret. `Debug` prints `[hidden]`.
    ClientSecret
);
hidden!(
    /// A user's password. `Debug` prints `[hidden]`.
    Password
);
token!(
    /// An access token. `Debug` prints its [`Fingerprint`].
    AccessToken
);
token!(
    /// A refresh token. `Debug` prints its [`Fingerprint`].
    RefreshToken
);
token!(
    /// An ID token in its encoded form (OpenID Connect Core §2). `Debug` prints its
    /// [`Fingerprint`].
    IdToken
);

/// The first 8 hexadecimal characters of the SHA-256 of a token or secret. They identify a token
/// across the logs of several processes and do not reveal it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint(String);

/// The error for a text that is not a fingerprint. It does not quote the text, which could be a
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 8 lower-case hexadecimal digits")]
pub struct FingerprintError;

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 8 && digits { Ok(Self(text)) } else { Err(FingerprintError) }
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a token or secret.
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

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_secret_nor_a_token_can_be_printed() {
        assert_eq!(format!("{:?}", ClientSecret::new("abc123")), "[hidden]");
        let printed = format!("{:?}", AccessToken::new("eyJhbGciOi"));
        assert!(
            !printed.contains("eyJ")
                && printed.contains(&Fingerprint::of("eyJhbGciOi").to_string()),
            "{printed}"
        );
    }

    #[test]
    fn a_fingerprint_is_eight_characters_of_the_sha_256() {
        // printf abc | sha256sum
        assert_eq!(Fingerprint::of("abc").to_string(), "ba7816bf");
    }

    #[test]
    fn token_is_not_a_fingerprint() {
        assert!(serde_json::from_str::<Fingerprint>(r#""ba7816bf""#).is_ok());
        for text in ["eyJhbGciOi", "BA7816BF", "", "ba7816bf0"] {
            let error = serde_json::from_value::<Fingerprint>(text.into()).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
