use aws_lc_rs::digest::{SHA256, digest};
use oauth_types::AccessToken;

/// The SHA-256 of a token: what caches know it by, so that a dump of memory holds no list of
/// tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &AccessToken) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.expose().as_bytes()).as_ref());
        Self(hash)
    }
}
