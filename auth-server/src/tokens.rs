//! Keys, and the tokens that are made and read with them.

mod id_token;
mod issuer;
mod key_pair;
mod live_keys;
mod own_token;
mod ring;
mod rotation;
mod signer;
mod subjects;

pub use id_token::{ACR, IdTokenFacts, id_token};
pub use issuer::{Issuer, sign_jwt};
pub use key_pair::{KeyError, generate};
pub use live_keys::{LiveKeys, MissingKeys};
pub use own_token::{hinted_user, read_own};
pub use ring::{KeyRing, Signing};
pub use rotation::{Rotation, first_refresh_token, grant_of_refresh_token};
pub use subjects::Subjects;
