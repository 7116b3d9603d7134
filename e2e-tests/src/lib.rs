//! The environment of the end-to-end tests: all servers in this process, HTTP clients, a browser
//! and forged access tokens.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

pub mod browser;
pub mod fixed_ports;
pub mod forged_tokens;
pub mod harness;
pub mod http;
pub mod python;
pub mod separate_servers;
