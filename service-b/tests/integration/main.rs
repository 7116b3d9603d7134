//! B over real sockets, with a C that can be told how to behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod client;
mod command_line;
mod doctor;
mod harness;
mod legacy;
mod limits;
mod metadata;
mod openapi;
mod process;
mod readiness;
mod rejections;
mod secrecy;
mod signer;
mod tls;
mod verification;
