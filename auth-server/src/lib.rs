//! C, the authorization server: it checks once who a client is, and hands out a short-lived pass.
//!
//! A request goes one way: [`app`] (every route on one page), an endpoint, `client_auth`, a grant,
//! `domain` (decisions), the store (atomic verbs), the token issuer.

pub mod app;
mod authorization;
mod backchannel_logout;
mod background;
mod bearer_user;
mod client_address;
mod client_auth;
pub mod commands;
mod csrf;
pub mod doctor;
pub mod domain;
mod endpoints;
mod entropy;
mod failure;
mod grants;
mod issuing;
mod metrics;
mod outgoing;
mod page_failure;
mod pages;
mod registration;
mod registry;
mod server;
pub mod settings;
mod sign_in;
mod sign_out;
mod slow_hash;
pub mod store;
mod tokens;
mod users_file;
mod visitor;

pub use entropy::Entropy;
pub use registry::DEMO_CLIENTS;
pub use server::{AuthServer, Listeners, dev_ca_certificate};
pub use settings::AuthServerSettings;
