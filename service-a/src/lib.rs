//! A, a machine that calls B as itself: it shows its secret to C alone, and to B only the pass that
//! it got for it. And a website that people log in to with the account that they have elsewhere.

pub mod accounts;
mod app;
mod call_b;
pub mod commands;
mod cookies;
pub mod doctor;
mod endpoints;
mod entropy;
mod failure;
mod form_body;
mod login;
mod my_tokens;
mod provider_name;
mod providers;
mod random_id;
mod sealed;
mod server;
mod session;
pub mod settings;
mod shown;
mod website;

pub use call_b::{Addresses, Answer, BClient, Call};
pub use failure::Failure;
pub use server::ServiceA;
pub use settings::ServiceASettings;
