//! The launcher: A, B and C in one process. It prints the first call step by step.
//!
//! It starts the same servers as each server's own `main`, and so do the end-to-end tests.

pub mod cli;
mod color;
mod demo;
pub mod doctor;
mod narrate;
pub mod observe;
mod scenarios;
mod stack;

pub use color::Colors;
pub use narrate::{narrate_call, narrate_flow};
pub use stack::{Addresses, Stack, StackReadiness, StackSettings};
