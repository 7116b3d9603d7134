//! The tokens that are made and read with the signing keys.

mod decode;
mod id_token;
mod issuer;
mod refresh_token_chain;
mod subjects;

pub use decode::{hinted_user, read_own};
pub use id_token::{ACR, IdTokenFacts, id_token};
pub use issuer::Issuer;
pub use refresh_token_chain::{Rotation, first_refresh_token, grant_of_refresh_token};
pub use subjects::Subjects;
