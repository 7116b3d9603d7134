//! B, the resource server: verifies access tokens and serves a small API.
//!
//! To copy B, read `router.rs` and the endpoints. `token-verifier` and `service-kit` do the rest.

mod check_config;
pub mod cli;
mod cors;
pub mod doctor;
mod endpoints;
mod router;
mod server;
pub mod settings;
mod state;
mod verifier;

pub use server::ServiceB;
pub use settings::ServiceBSettings;
