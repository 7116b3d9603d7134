//! Encryption of data that the website stores for one browser, under a key derived from a secret
//! that only that browser holds.
//!
//! The database holds a hash of the secret, so a copy of the database decrypts nothing.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    random_id::RandomId,
    secure_random::{SecureRandom, SecureRandomError},
};

/// Purpose of a key. One secret yields a different key for each purpose.
#[derive(Clone, Copy, Debug)]
pub enum KeyPurpose {
    PendingLogin,
    Tokens,
}

/// Why a value cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    SecureRandom(#[from] SecureRandomError),
    #[error("a value to encrypt cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("a value cannot be encrypted")]
    Cipher,
}

/// Encrypts `value` as JSON, and returns nonce, ciphertext and tag.
///
/// # Errors
/// Returns an error if the system random number generator fails, or the value is not JSON.
pub fn seal(
    secret: &RandomId,
    purpose: KeyPurpose,
    value: &impl Serialize,
    random: SecureRandom,
) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE_LEN] = random.bytes()?;
    let mut sealed = Zeroizing::new(serde_json::to_vec(value)?);
    let key = derive_key(secret, purpose).ok_or(SealError::Cipher)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut *sealed)
        .map_err(|_| SealError::Cipher)?;
    Ok([&nonce[..], &sealed].concat())
}

/// Decrypts the output of [`seal`] to JSON. Returns `None` if it was sealed with another secret or
/// for another purpose, or was modified.
pub fn open(secret: &RandomId, purpose: KeyPurpose, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let key = derive_key(secret, purpose)?;
    let length = key.open_in_place(nonce, Aad::empty(), &mut plaintext).ok()?.len();
    plaintext.truncate(length);
    Some(plaintext)
}

fn derive_key(secret: &RandomId, purpose: KeyPurpose) -> Option<LessSafeKey> {
    let info: &[u8] = match purpose {
        KeyPurpose::PendingLogin => b"gatepass-a pending login",
        KeyPurpose::Tokens => b"gatepass-a tokens",
    };
    let extracted = Salt::new(HKDF_SHA256, &[]).extract(secret.expose().as_bytes());
    let key = extracted.expand(&[info], &AES_256_GCM).ok().map(UnboundKey::from)?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_data_opens_only_with_its_secret_and_purpose() {
        let (secret, other) =
            (RandomId::generate(SecureRandom).unwrap(), RandomId::generate(SecureRandom).unwrap());
        let mut sealed = seal(&secret, KeyPurpose::Tokens, &"a token", SecureRandom).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"a token"));
        assert_eq!(&**open(&secret, KeyPurpose::Tokens, &sealed).unwrap(), b"\"a token\"");
        assert!(open(&other, KeyPurpose::Tokens, &sealed).is_none());
        assert!(open(&secret, KeyPurpose::PendingLogin, &sealed).is_none());
        assert!(open(&secret, KeyPurpose::Tokens, b"short").is_none());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(open(&secret, KeyPurpose::Tokens, &sealed).is_none());
    }
}
