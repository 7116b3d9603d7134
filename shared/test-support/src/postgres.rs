//! Temporary PostgreSQL clusters for tests and benchmarks, run from the installed binaries. The
//! data is deleted when the process that started the cluster ends.

mod cluster;
mod keeper;
mod programs;

pub use cluster::{ACCOUNT, Cluster, Frozen, HOST, PASSWORD, PASSWORD_IN_URL, shared};
pub use programs::{hand_over, is_installed, succeed};
