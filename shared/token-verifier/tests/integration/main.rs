//! The verifier against a C that can be told how to answer, and B's handler over a real socket.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod challenge;
mod discovery;
mod forged;
mod http;
mod introspection;
mod keys;
mod local;
mod malformed;
mod outage;
mod secrecy;
mod setup;
mod signer;
mod tampered;
