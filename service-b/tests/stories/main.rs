//! B over real sockets, with a C that can be told how to behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod asking;
mod caller;
mod command_line;
mod doctor;
mod legacy;
mod limits;
mod metadata;
mod openapi;
mod process;
mod readiness;
mod refusals;
mod secrecy;
mod signer;
mod tls;
mod world;
