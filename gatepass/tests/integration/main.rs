//! The launcher's binary: its output, signals and errors.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation panics")]

mod demo;
mod doctor;
mod launcher;
mod slow_request;
mod start_errors;
mod suggested_commands;
mod walk;
