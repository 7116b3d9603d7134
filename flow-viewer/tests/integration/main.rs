//! The viewer over a real socket.
#![expect(clippy::unwrap_used, reason = "a failed expectation panics")]

mod config;
mod doctor;
mod viewer;
