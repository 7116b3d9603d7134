//! Keys, and the tokens that are made and read with them.

mod issuer;
mod key_pair;
mod live_keys;
mod own_token;
mod ring;
mod signer;

pub use issuer::Issuer;
pub use key_pair::{KeyError, generate};
pub use live_keys::LiveKeys;
pub use own_token::read_own;
pub use ring::KeyRing;
