use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A text that can be compared and sent, never printed: there is no `Display`, and `Debug` hides
/// it.
macro_rules! hidden {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Take it into custody.
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// The text itself. Call it only where it is compared, verified or written to the wire.
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

/// A hidden text that logs call by its [`Fingerprint`].
macro_rules! token {
    ($(#[$about:meta])* $name:ident) => {
        hidden!($(#[$about])* $name);

        impl $name {
            /// What may be printed in its place.
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
    /// A client's secret. `Debug` shows `[hidden]`.
    ClientSecret
);
hidden!(
    /// A user's password. `Debug` shows `[hidden]`.
    Password
);
token!(
    /// An access token. `Debug` shows its [`Fingerprint`].
    AccessToken
);
token!(
    /// A refresh token. `Debug` shows its [`Fingerprint`].
    RefreshToken
);
token!(
    /// A signed statement for one client about who signed in. `Debug` shows its [`Fingerprint`].
    IdToken
);

/// The first 8 hexadecimal characters of a token's SHA-256: enough to follow one token through the
/// logs of three processes, useless to whoever reads them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint(String);

/// A text that is no fingerprint: a token may be hiding in it, so it is not quoted.
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
        let shown = format!("{:?}", AccessToken::new("eyJhbGciOi"));
        assert!(
            !shown.contains("eyJ") && shown.contains(&Fingerprint::of("eyJhbGciOi").to_string()),
            "{shown}"
        );
    }

    #[test]
    fn a_fingerprint_is_eight_characters_of_the_sha_256() {
        // printf abc | sha256sum
        assert_eq!(Fingerprint::of("abc").to_string(), "ba7816bf");
    }

    #[test]
    fn a_token_is_not_taken_for_a_fingerprint() {
        assert!(serde_json::from_str::<Fingerprint>(r#""ba7816bf""#).is_ok());
        for text in ["eyJhbGciOi", "BA7816BF", "", "ba7816bf0"] {
            let error = serde_json::from_value::<Fingerprint>(text.into()).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
