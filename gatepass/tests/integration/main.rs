//! The launcher's binary: its output, signals and errors.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation panics")]

mod control;
mod demo;
mod doctor;
mod environment;
mod https;
mod language;
mod launcher;
mod slow_request;
mod start_errors;
mod suggested_commands;
mod terminal;
mod walk;
