//! Real servers and databases for tests and benchmarks. Not for production code: functions panic
//! when something fails.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

pub mod postgres;
