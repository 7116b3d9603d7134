use std::time::Duration;

use axum::{extract::State, http::StatusCode};

use crate::http::{FormRequest, required};
use crate::{
    http::{Failure, REQUEST_RULE},
    state::App,
};

const LONGEST: u64 = 60;

/// `POST /test/outage`: C goes away for `seconds`, 60 at most, and comes back by itself. The route
/// exists only with `test_controls`.
pub async fn test_absence(
    State(app): State<App>,
    request: FormRequest,
) -> Result<StatusCode, Failure> {
    let seconds = required(&request.form, "seconds", REQUEST_RULE)?.parse().ok();
    let refused =
        || Failure::invalid_request("seconds is a number from 1 to 60", REQUEST_RULE).at("seconds");
    let seconds = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or_else(refused)?;
    if let Some(absences) = &app.absences {
        absences.start(Duration::from_secs(seconds));
    }
    Ok(StatusCode::ACCEPTED)
}
