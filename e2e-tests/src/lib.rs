//! What the stories stand on: the servers in this process, callers of them, and forged passes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

pub mod apart;
pub mod caller;
pub mod forge;
pub mod stage;
pub mod true_names;
pub mod visitor;
