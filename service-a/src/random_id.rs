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

/// WeChat accepts only letters and digits in `state`.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Length in characters, which suffices for 256 bits. It is also the least length of a code
/// verifier (RFC 7636 §4.1), and some providers reject longer values of `state` and `nonce`.
const LENGTH: usize = 43;

impl RandomId {
    /// Generates an identifier.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn generate(random: SecureRandom) -> Result<Self, SecureRandomError> {
        Ok(Self(base62(random.bytes()?).into()))
    }

    /// Parses an identifier that a browser sent. Returns `None` if it has another format.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
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

/// Writes a number of 256 bits, big-endian, to base 62.
fn base62(mut number: [u8; 32]) -> String {
    let digits: String = (0..LENGTH)
        .map(|_| {
            let mut remainder = 0;
            for byte in &mut number {
                let dividend = remainder * 256 + u16::from(*byte);
                // The remainder is below 62, so the quotient is below 256.
                *byte = u8::try_from(dividend / 62).unwrap_or_default();
                remainder = dividend % 62;
            }
            char::from(ALPHABET[usize::from(remainder)])
        })
        .collect();
    digits.chars().rev().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_has_43_letters_and_digits_for_256_bits() {
        let mut two = [0; 32];
        two[31] = 63;
        assert_eq!(base62([0; 32]), "0".repeat(43));
        assert_eq!(base62(two), format!("{}11", "0".repeat(41)));
        // 2^256 - 1 to base 62: no bit is lost.
        assert_eq!(base62([255; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        let id = RandomId::generate(SecureRandom).unwrap();
        assert!(RandomId::parse(id.expose()).is_some());
        for other in ["", &"a".repeat(42), &"a".repeat(44), &"-".repeat(43), &"a".repeat(64)] {
            assert!(RandomId::parse(other).is_none(), "{other}");
        }
    }
}
