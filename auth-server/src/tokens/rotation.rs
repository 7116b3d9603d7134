use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use claims::RefreshToken;

use crate::domain::REFRESH_TOKEN_PREFIX;

/// Tells the successor of a refresh token. It follows from the token and a key that only C has, so that the same
/// request gets the same answer twice, and the database holds no token that could be used.
pub struct Rotation(hmac::Key);

impl Rotation {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, installation_secret);
        let own = hmac::sign(&secret, b"refresh token rotation");
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    pub fn successor(&self, token: &RefreshToken) -> RefreshToken {
        let tag = hmac::sign(&self.0, token.expose().as_bytes());
        RefreshToken::new(format!("{REFRESH_TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_token_has_the_same_successor_and_only_under_the_same_key() {
        let (one, other) = (Rotation::new(&[1; 32]), Rotation::new(&[2; 32]));
        let token = RefreshToken::new("gprt_x");
        assert_eq!(one.successor(&token).expose(), one.successor(&token).expose());
        assert_ne!(one.successor(&token).expose(), other.successor(&token).expose());
        assert_ne!(one.successor(&one.successor(&token)).expose(), one.successor(&token).expose());
    }
}
