use aws_lc_rs::digest::{SHA256, digest};
use oauth_types::AccessToken;

/// The SHA-256 hash of a token. Caches use it as their key, so that a memory dump contains no list
/// of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &AccessToken) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.expose().as_bytes()).as_ref());
        Self(hash)
    }
}
