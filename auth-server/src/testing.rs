//! Endpoints for tests and demonstrations, enabled by `test_controls`. They are not part of the
//! API.

pub mod simulate_outage;
pub mod token;
