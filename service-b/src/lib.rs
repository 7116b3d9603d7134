//! B, the protected API: it looks at the pass, and says yes or no.
//!
//! All of its own is in [`router`] and the endpoints; everything that a team would write again for
//! each of its services stands in `token-verifier` and `service-kit`.

pub mod cli;
pub mod doctor;
mod endpoints;
pub mod router;
mod server;
pub mod settings;
mod verifier;

pub use server::ServiceB;
pub use settings::ServiceBSettings;
