//! The client against a scripted authorization server, over real sockets.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

mod discovery;
mod faults;
mod freshness;
mod requests;
mod secrecy;
mod setup;
