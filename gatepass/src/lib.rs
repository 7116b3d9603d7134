//! The launcher: A, B and C in one process. It prints the first call step by step.
//!
//! It starts the same servers as each server's own `main`, and so do the end-to-end tests.

pub mod cli;
mod color;
mod control;
mod data_arguments;
mod demo;
pub mod doctor;
mod help;
mod local_client;
mod messages;
mod narrate;
pub mod observe;
mod parse_error;
mod scenarios;
mod settings;
mod stack;
mod terminal;
mod texts;
mod trust;

pub use color::Colors;
pub use narrate::Narrator;
pub use pages::Language;
pub use settings::{Addresses, StackSettings, Urls, demo_roles};
pub use stack::{Stack, StackReadiness};
