//! A, a machine that calls B as itself: it shows its secret to C alone, and to B only the pass that it got for it.

mod app;
mod call_b;
pub mod commands;
mod endpoints;
mod failure;
mod server;
pub mod settings;

pub use server::ServiceA;
pub use settings::ServiceASettings;
