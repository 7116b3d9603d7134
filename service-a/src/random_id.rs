use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::secure_random::{SecureRandom, SecureRandomError};

/// A random identifier of 256 bits that also serves as a secret: possession of the value proves
/// that its holder received it. It cannot be printed.
#[derive(Clone)]
pub struct RandomId(SecretString);

/// SHA-256 of a [`RandomId`] or a token. The database stores digests only, so a copy of it
/// contains no usable identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// Length in characters: 32 bytes in hexadecimal. WeChat accepts only letters and digits in
/// `state`.
const LENGTH: usize = 64;

impl RandomId {
    /// Generates an identifier.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn generate(random: SecureRandom) -> Result<Self, SecureRandomError> {
        Ok(Self(hex(&random.bytes::<32>()?).into()))
    }

    /// Parses an identifier that a browser sent. Returns `None` if it has another format.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_owned().into()))
    }

    /// Returns the secret value, to be sent or to derive a key from.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the digest under which the database stores this identifier.
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose())
    }
}

impl Digest {
    /// Hashes `text`.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Debug for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", hex(&self.0[..4]))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
