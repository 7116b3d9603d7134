use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{AccessToken, AccessTokenClaims};

/// Prefix of opaque access tokens. Secret scanners find it, and it differs from every JWT.
pub const OPAQUE_TOKEN_PREFIX: &str = "gpat_";

/// Prefix of refresh tokens.
pub const REFRESH_TOKEN_PREFIX: &str = "gprt_";
/// Prefix of authorization codes.
pub const CODE_PREFIX: &str = "gpac_";

/// Prefix of registration access tokens.
const REGISTRATION_TOKEN_PREFIX: &str = "gprr_";

/// SHA-256 of a token. Only hashes are stored, so that a leaked database contains no usable token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// The claims of an opaque access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueToken {
    pub hash: TokenHash,
    pub claims: AccessTokenClaims,
}

impl TokenHash {
    /// Returns whether this is the hash of `presented`. Compares in constant time.
    pub fn matches(&self, presented: &AccessToken) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(presented).0).is_ok()
    }

    pub fn of(token: &AccessToken) -> Self {
        Self::of_text(token.expose())
    }

    /// Hashes a code, a refresh token or a cookie.
    pub fn of_text(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Returns an opaque access token of 256 random bits (RFC 6749 §10.10 requires at least 128).
pub fn new_opaque_token(random: [u8; 32]) -> AccessToken {
    AccessToken::new(format!("{OPAQUE_TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random)))
}

/// Returns a registration access token of 256 random bits (RFC 7592 §3).
pub fn new_registration_token(random: [u8; 32]) -> AccessToken {
    AccessToken::new(format!(
        "{REGISTRATION_TOKEN_PREFIX}{}",
        BASE64_URL_SAFE_NO_PAD.encode(random)
    ))
}
