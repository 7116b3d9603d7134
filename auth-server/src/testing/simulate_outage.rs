use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use service_kit::OutageSimulator;

use crate::http::{ApiError, FormBody, REQUEST_RULE, required};

const MAX_SECONDS: u64 = 60;

/// `POST /test/outage`: simulates an outage by refusing connections for `seconds`, at most 60.
pub async fn simulate_outage(
    State(outage): State<OutageSimulator>,
    FormBody(form): FormBody,
) -> Result<StatusCode, ApiError> {
    let seconds = required(&form, "seconds", REQUEST_RULE)?.parse().ok();
    let invalid = || {
        ApiError::invalid_request("seconds must be a number from 1 to 60", REQUEST_RULE)
            .at("seconds")
    };
    let seconds =
        seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).ok_or_else(invalid)?;
    outage.start(Duration::from_secs(seconds));
    Ok(StatusCode::ACCEPTED)
}
