//! C, the authorization server: it checks once who a client is, and hands out a short-lived pass.
//!
//! A request goes one way: [`app`] (every route on one page), an endpoint, `client_auth`, a grant, `domain` (decisions), the
//! store (atomic verbs), the token issuer.

pub mod app;
mod background;
mod client_address;
mod client_auth;
pub mod commands;
pub mod domain;
mod endpoints;
mod entropy;
mod failure;
mod grants;
mod metrics;
pub mod pages;
mod registry;
mod server;
pub mod settings;
pub mod store;
mod tokens;

pub use entropy::Entropy;
pub use server::{AuthServer, Listeners, dev_ca_certificate};
pub use settings::AuthServerSettings;
