use aws_lc_rs::hmac;

/// Derives the HMAC key of one purpose from the installation secret, so that no two purposes share
/// a key.
pub fn derive_key(installation_secret: &[u8; 32], purpose: &str) -> hmac::Key {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, installation_secret);
    let derived = hmac::sign(&secret, purpose.as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}
