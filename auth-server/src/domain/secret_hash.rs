use argon2::{Params, PasswordHash};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::ClientSecret;

use super::argon2id::{self, HashCost};

/// Prefix of generated secrets, so that secret scanners find them.
pub const GENERATED_SECRET_PREFIX: &str = "gpcs_";

/// Secrets and passwords of the demo, which are public. Production never accepts them.
const WELL_KNOWN: [&str; 4] = ["abc123", "wonderland", "builder", "looking-glass"];

/// Returns whether a secret or password is one of the demo.
pub fn is_well_known(secret: &str) -> bool {
    WELL_KNOWN.contains(&secret)
}

/// A stored client secret and its expiry.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    pub hash: SecretHash,
    /// In seconds since 1970; `None` does not expire.
    pub not_after: Option<i64>,
}

/// Hash of a client secret or a password.
#[derive(Clone)]
pub enum SecretHash {
    /// Hash of a generated secret. It has 256 random bits, so a fast hash is enough.
    Sha256([u8; 32]),
    /// Hash of a secret or password that a person chose, as a PHC string. Slow by design.
    Argon2id(String),
    /// HMAC of a secret in the clients file, under a per-process key. In memory only.
    Keyed { key: Box<hmac::Key>, tag: [u8; 32] },
}

impl SecretHash {
    pub fn sha256(secret: &ClientSecret) -> Self {
        Self::Sha256(sha256(secret.expose()))
    }

    pub fn keyed(secret: &ClientSecret, key: [u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let tag = fixed(hmac::sign(&key, secret.expose().as_bytes()).as_ref());
        Self::Keyed { key: Box::new(key), tag }
    }

    /// Returns whether `presented` is the secret. Compares in constant time. Argon2id takes tens of
    /// milliseconds, so this must not run on an async thread.
    pub fn matches(&self, presented: &str) -> bool {
        match self {
            Self::Sha256(hash) => {
                constant_time::verify_slices_are_equal(hash, &sha256(presented)).is_ok()
            }
            Self::Keyed { key, tag } => hmac::verify(key, presented.as_bytes(), tag).is_ok(),
            Self::Argon2id(phc) => {
                PasswordHash::new(phc).is_ok_and(|hash| argon2id::matches(&hash, presented))
            }
        }
    }

    /// Returns whether a well-known secret matches. Slow for a slow hash, as
    /// [`SecretHash::matches`] is.
    pub fn is_of_well_known_secret(&self) -> bool {
        WELL_KNOWN.iter().any(|known| self.matches(known))
    }

    /// Returns whether the secret has 256 random bits, so that it cannot be guessed.
    pub fn is_generated(&self) -> bool {
        matches!(self, Self::Sha256(_))
    }

    pub fn is_slow(&self) -> bool {
        matches!(self, Self::Argon2id(_))
    }

    /// Returns what two hashes of the same cost have in common; `None` for a fast hash.
    pub fn parameters(&self) -> Option<&str> {
        let Self::Argon2id(phc) = self else { return None };
        // The salt and the output follow.
        phc.rsplitn(3, '$').nth(2)
    }

    /// Returns the cost of a verification: memory times passes; 0 for a fast hash.
    pub fn cost(&self) -> u64 {
        let Self::Argon2id(phc) = self else { return 0 };
        let params = PasswordHash::new(phc).ok().and_then(|hash| Params::try_from(&hash).ok());
        params.map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
    }

    /// Returns a cache key that changes with the secret and reveals no more than the hash.
    pub fn cache_key(&self) -> &[u8] {
        match self {
            Self::Sha256(hash) => hash,
            Self::Argon2id(phc) => phc.as_bytes(),
            Self::Keyed { tag, .. } => tag,
        }
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hash]")
    }
}

/// Returns a generated secret of 256 random bits.
pub fn new_secret(random: [u8; 32]) -> ClientSecret {
    ClientSecret::new(format!("{GENERATED_SECRET_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random)))
}

/// Hashes a secret or password that a person chose, at the recommended cost.
///
/// # Errors
/// Returns an error if the secret is too long.
pub fn hash_password(
    secret: &str,
    salt: [u8; 16],
) -> Result<SecretHash, argon2::password_hash::Error> {
    hash_password_at(HashCost::Recommended, secret, salt)
}

/// Hashes a password at this cost.
///
/// # Errors
/// Returns an error if the password is too long.
pub fn hash_password_at(
    cost: HashCost,
    password: &str,
    salt: [u8; 16],
) -> Result<SecretHash, argon2::password_hash::Error> {
    Ok(SecretHash::Argon2id(argon2id::hash(password, &salt, cost)?.to_string()))
}

/// Checks an Argon2id hash that was made elsewhere. `require_strong` rejects parameters below the
/// OWASP recommendations, whose weakest use 7 MiB and fill 35 MiB in all their passes.
///
/// # Errors
/// Returns what is wrong with the hash.
pub fn validate_password_hash(phc: &str, require_strong: bool) -> Result<(), &'static str> {
    let parsed = PasswordHash::new(phc)
        .ok()
        .filter(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some());
    let Some(params) = parsed.and_then(|hash| Params::try_from(&hash).ok()) else {
        return Err("is not a PHC string of Argon2id");
    };
    let filled_kib = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if require_strong && (params.m_cost() < 7 * 1_024 || filled_kib < 35 * 1_024) {
        return Err("has weak parameters: use at least m=19456,t=2,p=1");
    }
    Ok(())
}

fn sha256(text: &str) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_matches_only_its_secret() {
        let (right, wrong) = (ClientSecret::new("abc123"), ClientSecret::new("abc124"));
        for hash in [
            SecretHash::sha256(&right),
            SecretHash::keyed(&right, [1; 32]),
            hash_password(right.expose(), [2; 16]).unwrap(),
        ] {
            assert!(hash.matches(right.expose()) && !hash.matches(wrong.expose()));
            assert_eq!(format!("{hash:?}"), "[hash]");
        }
    }

    #[test]
    fn imported_hash_must_be_argon2id_with_strong_parameters() {
        let hash = |kind: &str, params: &str| {
            format!("${kind}$v=19${params}$c29tZXNhbHQxMjM0NTY$c29tZWhhc2g5ODc2NTQzMjE")
        };
        for good in ["m=19456,t=2,p=1", "m=47104,t=1,p=1", "m=7168,t=5,p=1"] {
            assert_eq!(validate_password_hash(&hash("argon2id", good), true), Ok(()), "{good}");
        }
        for weak in ["m=8,t=1,p=1", "m=4096,t=100,p=1", "m=19456,t=1,p=1"] {
            let phc = hash("argon2id", weak);
            assert!(
                validate_password_hash(&phc, true).is_err_and(|problem| problem.contains("weak")),
                "{weak}"
            );
            assert_eq!(
                validate_password_hash(&phc, false),
                Ok(()),
                "allowed outside production: {weak}"
            );
        }
        for other in ["argon2i", "argon2d", "scrypt"] {
            let phc = hash(other, "m=19456,t=2,p=1");
            assert!(
                validate_password_hash(&phc, false)
                    .is_err_and(|problem| problem.contains("Argon2id")),
                "{other}"
            );
        }
        assert!(
            validate_password_hash("$argon2id$v=19$m=19456,t=2,p=1", false).is_err(),
            "without a hash"
        );
    }

    #[test]
    fn generated_secret_has_256_bits_after_its_prefix() {
        assert_eq!(new_secret([0xff; 32]).expose().len(), GENERATED_SECRET_PREFIX.len() + 43);
    }
}
