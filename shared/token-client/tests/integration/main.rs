//! The client against a scripted authorization server, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

mod authorized_client;
mod discovery;
mod faults;
mod freshness;
mod grants;
mod requests;
mod secrecy;
mod setup;
