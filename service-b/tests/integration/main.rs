//! Tests of B over real sockets, with a mock C.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod claims;
mod client;
mod command_line;
mod cors;
mod doctor;
mod harness;
mod legacy;
mod limits;
mod management;
mod metadata;
mod openapi;
mod process;
mod readiness;
mod rejections;
mod secrecy;
mod tls;
mod verification;
