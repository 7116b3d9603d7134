//! PostgreSQL of one's own, for tests and benchmarks: from the machine's binaries, in a temporary
//! folder, gone with whoever started it. Not for use: it says what it expects by failing.

mod cluster;
mod keeper;
mod programs;

pub use cluster::{ACCOUNT, Cluster, HOST, PASSWORD, PASSWORD_IN_URL, shared};
pub use programs::{hand_over, is_installed, succeed};
