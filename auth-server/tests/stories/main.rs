//! C over real sockets: every endpoint, every refusal, every command, a crash.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod asking;
mod audit;
mod caller;
mod clients;
mod codes;
mod command_line;
mod consenting;
mod crash;
mod devices;
mod dialects;
mod doctor;
mod forms;
mod introspection;
mod issuing;
mod jwt;
mod keys;
mod limits;
mod logs;
mod metadata;
mod observing;
mod openapi;
mod person;
mod process;
mod refreshing;
mod refusals;
mod restart;
mod revocation;
mod server;
mod signing_in;
mod signing_out;
mod tls;
mod wrong_secrets;
