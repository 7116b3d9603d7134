//! C, the authorization server: authenticates clients and users and issues short-lived access
//! tokens.
//!
//! A token request passes through `router` (every public route), an endpoint, `clients`
//! (authentication), a grant, `domain` (decisions), `storage` (atomic changes) and the token
//! issuer.
#![allow(clippy::duplicate_mod, reason = "each storage backend compiles `storage/queries`")]

mod audit;
mod authentication_mark;
mod background;
pub mod cli;
mod clients;
mod compat;
mod control;
mod cors;
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
mod seed;
mod server;
pub mod settings;
mod state;
pub mod storage;
mod testing;
mod tokens;
mod typed_json;
mod users;
mod watched_file;

pub use clients::DEMO_CLIENTS;
pub use pages::DETAILS_IN_CHINESE;
pub use secure_random::SecureRandom;
pub use server::{AuthServer, Listeners, dev_ca, dev_ca_certificate};
pub use settings::AuthServerSettings;
