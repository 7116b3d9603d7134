//! Endpoints for tests and lessons, served only with the setting `test_controls`. They are not part
//! of the API.

pub mod simulate_outage;
pub mod token;
