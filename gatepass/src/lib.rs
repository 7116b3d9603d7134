//! The launcher: A, B and C in one process, and the first call told step by step.
//!
//! It starts the very same objects as each server's own `main`. The end-to-end tests start them
//! through here, too.

pub mod commands;
mod demo;
pub mod doctor;
pub mod flow;
mod paint;
mod stack;
mod story;
mod walk;

pub use paint::Paint;
pub use stack::{Addresses, Stack, StackSettings};
pub use story::{tell, tell_messages};
