//! A, a machine that calls B as itself: it shows its secret to C alone, and to B only the pass that
//! it got for it. And a website that people log in to with the account that they have elsewhere.

pub mod accounts;
mod api;
mod b_client;
pub mod cli;
pub mod doctor;
mod http;
mod login;
mod providers;
mod random_id;
mod router;
mod sealed;
mod secure_random;
mod server;
mod services;
pub mod settings;
mod state;
mod user_tokens;
mod views;
mod website;

pub use b_client::{Addresses, Answer, BClient, Call, Failure};
pub use server::ServiceA;
pub use settings::ServiceASettings;
