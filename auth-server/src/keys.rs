//! Signing keys.

mod jwt;
mod key_pair;
mod key_ring;
mod manager;
mod signer;

pub use jwt::sign_jwt;
pub use key_pair::{KeyError, generate, jws};
pub use key_ring::{KeyRing, Signing, Verifying};
pub use manager::{LiveKeys, MissingKeys};
