//! What the website keeps for a browser, readable only while that browser shows its secret.
//!
//! The key is made of the secret, of which the database holds no more than a hash: a copy of the
//! database opens nothing.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use zeroize::Zeroizing;

use crate::{
    random_id::RandomId,
    secure_random::{Entropy, NoEntropy},
};

/// What a key is for. The same secret makes a different key for each.
#[derive(Clone, Copy, Debug)]
pub enum Sealing {
    PendingLogin,
    Tokens,
}

/// Seal `plain`: nonce, then ciphertext and tag.
///
/// # Errors
/// When the system gives no randomness.
pub fn seal(
    secret: &RandomId,
    what: Sealing,
    plain: &[u8],
    entropy: &Entropy,
) -> Result<Vec<u8>, NoEntropy> {
    let nonce: [u8; NONCE_LEN] = entropy.bytes()?;
    let mut sealed = plain.to_vec();
    let nonce_used = Nonce::assume_unique_for_key(nonce);
    key(secret, what)
        .and_then(|key| key.seal_in_place_append_tag(nonce_used, Aad::empty(), &mut sealed).ok())
        .ok_or(NoEntropy)?;
    Ok([&nonce[..], &sealed].concat())
}

/// Open what was sealed with this secret for this purpose; anything else is `None`.
pub fn open(secret: &RandomId, what: Sealing, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(rest.to_vec());
    let length = key(secret, what)?.open_in_place(nonce, Aad::empty(), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn key(secret: &RandomId, what: Sealing) -> Option<LessSafeKey> {
    let info: &[u8] = match what {
        Sealing::PendingLogin => b"gatepass-a pending login",
        Sealing::Tokens => b"gatepass-a tokens",
    };
    let extracted = Salt::new(HKDF_SHA256, &[]).extract(secret.expose().as_bytes());
    let key = extracted.expand(&[info], &AES_256_GCM).ok().map(UnboundKey::from)?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_secret_and_purpose_alone() {
        let entropy = Entropy;
        let (mine, other) = (RandomId::new(&entropy).unwrap(), RandomId::new(&entropy).unwrap());
        let mut sealed = seal(&mine, Sealing::Tokens, b"a token", &entropy).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"a token"));
        assert_eq!(&**open(&mine, Sealing::Tokens, &sealed).unwrap(), b"a token");
        assert!(open(&other, Sealing::Tokens, &sealed).is_none());
        assert!(open(&mine, Sealing::PendingLogin, &sealed).is_none());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(
            open(&mine, Sealing::Tokens, &sealed).is_none()
                && open(&mine, Sealing::Tokens, b"short").is_none()
        );
    }
}
