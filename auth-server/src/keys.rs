//! Signing keys.

mod derived_key;
mod jwt;
mod key_pair;
mod key_ring;
mod manager;
mod publication;
mod reload_report;
mod rotation;
mod signer;

pub use derived_key::derive_key;
pub use jwt::sign_jwt;
pub use key_pair::{KeyError, generate, jws};
pub use key_ring::{ActiveSigningKey, KeyRing, VerificationKey};
pub use manager::{KeyManager, KeyPolicy, NoSigningKey, create_first_keys};
pub use publication::RELOAD_PERIOD;
pub use rotation::{RotationError, rotate_all, rotate_due, withdraw};
pub use signer::Signer;
