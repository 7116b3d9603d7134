//! C, the authorization server: authenticates clients and users and issues short-lived access
//! tokens.
//!
//! A token request passes through `router` (every route), an endpoint, `clients`
//! (authentication), a grant, `domain` (decisions), `storage` (atomic changes) and the token
//! issuer.
#![allow(clippy::duplicate_mod, reason = "each storage backend compiles `storage/queries`")]

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
