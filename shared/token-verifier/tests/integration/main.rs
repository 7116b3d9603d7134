//! The verifier against a scripted authorization server, and a resource server over real sockets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod algorithms;
mod challenge;
mod closed_connections;
mod discovery;
mod forged;
mod http;
mod introspection;
mod keys;
mod layer;
mod local;
mod malformed;
mod outage;
mod outside_issuers;
mod requirements;
mod secrecy;
mod setup;
mod signer;
mod tampered;
