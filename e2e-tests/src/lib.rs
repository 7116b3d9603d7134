//! What the stories stand on: the servers in this process, callers of them, and forged passes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

pub mod browser;
pub mod fixed_ports;
pub mod forged_tokens;
pub mod harness;
pub mod http;
pub mod separate_servers;
