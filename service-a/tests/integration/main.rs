//! A over real sockets, between mock servers for C and B.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod b_errors;
mod call_b;
mod cli;
mod doctor;
mod health_and_metrics;
mod legacy_secret;
mod log_secrecy;
mod management;
mod openapi;
mod process;
mod requests;
mod retries;
mod shutdown;
mod test_servers;
mod tls;
mod token_errors;
mod website;
