//! The limits: servers that do only what no implementation can avoid.

mod one_commit;
mod one_login;
mod one_response;
mod one_signature;
mod one_verification;
mod unchecked;

pub use one_commit::{Commits, one_commit};
pub use one_login::one_login;
pub use one_signature::one_signature;
pub use one_verification::one_verification;
pub use unchecked::unchecked;
