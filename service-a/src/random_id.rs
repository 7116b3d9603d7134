use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::secure_random::{Entropy, NoEntropy};

/// A name that cannot be guessed: whoever shows it is who got it. It can be handed to its browser,
/// never printed.
#[derive(Clone)]
pub struct RandomId(SecretString);

/// What is stored in its place: whoever reads the database cannot show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// 32 bytes in hexadecimal: WeChat takes no other characters than letters and digits as a `state`.
const LENGTH: usize = 64;

impl RandomId {
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(entropy: &Entropy) -> Result<Self, NoEntropy> {
        Ok(Self(hexadecimal(&entropy.bytes::<32>()?).into()))
    }

    /// What a browser shows, if it can be one of ours.
    pub fn shown(text: &str) -> Option<Self> {
        let right = text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self(text.to_owned().into()))
    }

    /// The name itself. Call it only where it is written to the wire or made a key.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn digest(&self) -> Digest {
        Digest::of(self.expose())
    }
}

impl Digest {
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Debug for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", hexadecimal(&self.0[..4]))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
