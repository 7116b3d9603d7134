//! A, the client: it obtains access tokens from C in its own name and calls B with them, and it
//! serves a website with federated login.
//!
//! A request passes through these layers: `router`, a handler in `api` or `website`, then `login`
//! and the extractors of `http`, then the services below them: `b_client`, `token_refresher`,
//! `providers`, `accounts`. `login_checks` reports what a login compares.
#![allow(clippy::duplicate_mod, reason = "each database backend compiles `accounts/queries`")]

pub mod accounts;
mod api;
mod b_client;
mod check_config;
pub mod cli;
pub mod doctor;
mod http;
mod login;
mod login_checks;
mod providers;
mod random_id;
mod router;
mod sealed;
mod secure_random;
mod server;
mod services;
pub mod settings;
mod state;
mod token_refresher;
mod views;
mod website;

pub use b_client::{BClient, BRequest, BResponse, CallError, UrlCache};
pub use server::ServiceA;
pub use settings::ServiceASettings;
pub use views::DETAILS_IN_CHINESE;
