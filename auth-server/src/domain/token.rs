use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{AccessToken, AccessTokenClaims};

/// What opaque tokens begin with: scanners of source code find them, and none is taken for a JWT.
pub const OPAQUE_TOKEN_PREFIX: &str = "gpat_";

/// What refresh tokens begin with.
pub const REFRESH_TOKEN_PREFIX: &str = "gprt_";
/// What authorization codes begin with.
pub const CODE_PREFIX: &str = "gpac_";

/// What registration access tokens begin with.
const REGISTRATION_TOKEN_PREFIX: &str = "gprr_";

/// The SHA-256 of a token: the database holds no token that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// What an opaque token means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueToken {
    pub hash: TokenHash,
    pub claims: AccessTokenClaims,
}

impl TokenHash {
    /// Is `shown` the one? Compared in constant time.
    pub fn matches(&self, shown: &AccessToken) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(shown).0).is_ok()
    }

    pub fn of(token: &AccessToken) -> Self {
        Self::of_text(token.expose())
    }

    /// Of a code, a refresh token or a cookie.
    pub fn of_text(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// An opaque token of 256 random bits (RFC 6749 §10.10 asks for 128 at least).
pub fn new_opaque_token(random: [u8; 32]) -> AccessToken {
    AccessToken::new(format!("{OPAQUE_TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random)))
}

/// By which a client that has registered itself changes what it said (RFC 7592 §3): 256 random
/// bits.
pub fn new_registration_token(random: [u8; 32]) -> AccessToken {
    AccessToken::new(format!(
        "{REGISTRATION_TOKEN_PREFIX}{}",
        BASE64_URL_SAFE_NO_PAD.encode(random)
    ))
}
