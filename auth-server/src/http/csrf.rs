use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::keys::derive_key;

/// Generates and verifies CSRF tokens. A token is an HMAC of the cookie of the browser under a key
/// of this installation, so another site cannot compute it and submit a form for the user.
pub struct Csrf(hmac::Key);

impl Csrf {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        Self(derive_key(installation_secret, "forms"))
    }

    pub fn token(&self, cookie: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, cookie.as_bytes()))
    }

    pub fn verify(&self, cookie: &str, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(self.token(cookie).as_bytes(), presented.as_bytes())
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csrf_token_is_bound_to_browser_and_installation() {
        let (one, other) = (Csrf::new(&[1; 32]), Csrf::new(&[2; 32]));
        assert!(one.verify("a", &one.token("a")));
        assert!(
            !one.verify("b", &one.token("a"))
                && !other.verify("a", &one.token("a"))
                && !one.verify("a", "")
        );
    }
}
