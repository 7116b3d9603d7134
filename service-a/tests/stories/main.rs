//! A over real sockets, between a C and Bs that can be told how to behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod caller;
mod calling;
mod command_line;
mod doctor;
mod failures_of_b;
mod failures_of_c;
mod legacy;
mod observing;
mod openapi;
mod process;
mod questions;
mod retrying;
mod secrecy;
mod stopping;
mod tls;
mod website;
mod world;
