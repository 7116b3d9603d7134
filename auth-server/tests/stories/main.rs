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
mod forms;
mod introspection;
mod issuing;
mod jwt;
mod keys;
mod limits;
mod logs;
mod metadata;
mod no_page;
mod observing;
mod openapi;
mod person;
mod process;
mod refreshing;
mod refusals;
mod request_objects;
mod restart;
mod revocation;
mod server;
mod signing_in;
mod signing_out;
mod tls;
mod userinfo;
mod users;
mod wrong_secrets;
