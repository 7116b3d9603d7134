//! What the end-to-end tests run on: all servers in this process, clients and a browser for them,
//! and forged access tokens.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

pub mod browser;
pub mod fixed_ports;
pub mod forged_tokens;
pub mod harness;
pub mod http;
pub mod separate_servers;
