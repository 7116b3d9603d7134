//! A over real sockets, between a C and Bs that can be told how to behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod b_errors;
mod call_b;
mod cli;
mod client;
mod doctor;
mod health_and_metrics;
mod legacy_secret;
mod log_secrecy;
mod openapi;
mod process;
mod requests;
mod retries;
mod shutdown;
mod test_servers;
mod tls;
mod token_errors;
mod website;
