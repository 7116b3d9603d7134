//! Who is the client? By `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1), never
//! both.

mod authenticator;
mod failure_limit;
mod presented;

pub use authenticator::{Authenticator, Denied};
pub use failure_limit::{FailureLimit, Place};
pub use presented::{Presented, Proof, presented};
