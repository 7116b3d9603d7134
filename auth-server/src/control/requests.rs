//! `/control/requests`: what C received, and assertions about it.

mod expectation;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use self::expectation::{CountMembers, Nearest, RequestMatch};
use super::{
    context::ControlContext,
    error::ControlError,
    json_body::JsonBody,
    traffic::{JournalEntry, JournalSnapshot},
};
use crate::http::NO_STORE;

#[derive(Serialize)]
struct RequestList {
    /// Oldest first.
    requests: Vec<JournalEntry>,
    /// Number of older requests that the journal no longer holds.
    dropped: u64,
}

/// `GET /control/requests`
pub async fn list(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    let JournalSnapshot { entries, dropped } = context.traffic.journal.snapshot();
    (NO_STORE, Json(RequestList { requests: entries, dropped }))
}

/// `DELETE /control/requests`
pub async fn delete_all(State(context): State<Arc<ControlContext>>) -> StatusCode {
    context.traffic.journal.clear();
    StatusCode::NO_CONTENT
}

/// The body of `POST /control/requests/verify`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    #[serde(default, rename = "match")]
    matching: RequestMatch,
    count: CountMembers,
    /// How long to wait for requests that are missing, or for one too many where the count has only
    /// an upper bound. In milliseconds, less than `limits.request_timeout_seconds`.
    #[serde(default)]
    within_ms: u64,
}

/// Whether the expectation holds.
#[derive(Serialize)]
struct Verdict {
    matched: usize,
    /// Number of requests that the journal no longer holds, and that might have matched.
    #[serde(skip_serializing_if = "is_zero")]
    dropped: u64,
    /// The request that differs least, if too few match.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Nearest>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde needs")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// `POST /control/requests/verify`: 200 if as many requests match as expected, and otherwise 422.
pub async fn verify(
    State(context): State<Arc<ControlContext>>,
    JsonBody(expectation): JsonBody<Expectation>,
) -> Result<Response, ControlError> {
    let count = expectation.count.count()?;
    let within = Duration::from_millis(expectation.within_ms);
    if within > context.longest_wait {
        return Err(ControlError::longer_than(context.longest_wait).at("/within_ms"));
    }
    let matching = expectation.matching.into_recorded(&context.traffic)?;
    let journal = &context.traffic.journal;
    let deadline = Instant::now() + within;
    let mut arrivals = journal.arrivals();
    loop {
        let JournalSnapshot { entries, dropped } = journal.snapshot();
        let matched = entries.iter().filter(|entry| matching.matches(entry)).count();
        // What was dropped may have matched too.
        let is_certain = dropped == 0 || count.is_lower_bound();
        let holds = is_certain && count.allows(matched);
        let may_change = match holds {
            true => count.is_upper_bound(),
            false => is_certain && count.is_above(matched),
        };
        if may_change && timeout_at(deadline, arrivals.changed()).await.is_ok() {
            continue;
        }
        let nearest = count.is_above(matched).then(|| matching.nearest(entries)).flatten();
        let status = if holds { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return Ok((status, NO_STORE, Json(Verdict { matched, dropped, nearest })).into_response());
    }
}
