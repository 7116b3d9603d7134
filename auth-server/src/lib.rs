//! C, the authorization server: it checks once who a client is, and hands out a short-lived pass.
//!
//! A request goes one way: [`router`] (every route on one page), an endpoint, `clients`, a grant,
//! `domain` (decisions), the store (atomic verbs), the token issuer.

mod audit;
mod background;
pub mod cli;
mod clients;
mod compat;
pub mod doctor;
pub mod domain;
mod http;
mod keys;
mod metrics;
mod oauth;
mod oidc;
mod openapi;
mod outbound;
mod pages;
mod password_hasher;
mod rate_limit;
mod router;
mod secure_random;
mod server;
pub mod settings;
mod state;
pub mod storage;
mod testing;
mod tokens;
mod users;

pub use clients::DEMO_CLIENTS;
pub use secure_random::SecureRandom;
pub use server::{AuthServer, Listeners, dev_ca_certificate};
pub use settings::AuthServerSettings;
