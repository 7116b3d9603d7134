//! The control API: tests read and change a running server through it. It has a listener of its own
//! and is off unless `control.listen` is set (`docs/decisions/0050-control-in-memory.md`).
//!
//! Each call has a file of its own, named after its path, and a route in `router`.

mod access;
mod authorization_query;
mod call_extras;
mod claims;
mod clients;
mod clock;
mod context;
mod devices;
mod entries;
mod error;
mod faults;
mod issuer;
mod issuer_choice;
mod issuers;
mod json_body;
mod keys;
mod late_issuer;
mod login_outcome;
mod logins;
mod logouts;
mod named_client;
mod named_user;
mod next_logins;
mod openapi;
mod path_name;
mod requests;
mod reset;
mod resources;
mod revocations;
mod router;
mod seed;
mod server_state;
mod sessions;
mod tokens;
mod traffic;
mod unregistered;
mod users;

pub use access::AllowedOrigins;
pub use context::{ControlContext, ControlPolicy};
pub use error::ControlError;
pub use issuer::IssuerName;
pub use issuer_choice::call_named_issuer;
pub use late_issuer::{LateIssuer, close_connection, late_routes};
pub use next_logins::NextLogins;
pub use router::routes;
pub use seed::{Seed, SeedRules, watch_seed_file};
pub use traffic::{Faults, Journal, Traffic, observe};
