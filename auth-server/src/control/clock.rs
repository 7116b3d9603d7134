use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, response::IntoResponse};
use clock::Clock;
use serde::{Deserialize, Serialize};

use super::{context::ControlContext, error::ControlError, json_body::JsonBody};
use crate::http::NO_STORE;

/// The reading of the clock in a response.
#[derive(Serialize)]
pub struct ClockReading {
    /// In seconds since 1970.
    now: i64,
    /// By how many seconds the clock is ahead of the system time.
    offset: i64,
    frozen: bool,
}

impl ClockReading {
    pub fn of(clock: &Clock) -> Self {
        let clock::Reading { now, offset, frozen } = clock.reading();
        Self { now, offset, frozen }
    }
}

/// The body of `PUT /control/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSetting {
    /// The new time, in seconds since 1970. Without it, the clock is only frozen or released.
    at: Option<i64>,
    frozen: Option<bool>,
    follow: Option<Follow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Follow {
    System,
}

/// The body of `POST /control/clock/advance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    seconds: i64,
}

/// `GET /control/clock`: returns the reading of the clock.
pub async fn clock(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    reading(&context)
}

/// `PUT /control/clock`: sets the clock of everything in this process, freezes it, or makes it
/// follow the system time again.
pub async fn set_clock(
    State(context): State<Arc<ControlContext>>,
    JsonBody(setting): JsonBody<ClockSetting>,
) -> Result<impl IntoResponse, ControlError> {
    match setting {
        ClockSetting { at: None, frozen: None, follow: Some(Follow::System) } => {
            context.clock.follow_system();
        }
        ClockSetting { follow: Some(_), .. } => {
            return Err(ControlError::invalid(
                "follow excludes at and frozen, because the system time is neither set nor frozen",
            )
            .at("/follow")
            .expecting("no other member"));
        }
        ClockSetting { at: None, frozen: None, follow: None } => {
            return Err(ControlError::invalid("the body changes nothing")
                .at("")
                .expecting("at, frozen or follow"));
        }
        ClockSetting { at, frozen, follow: None } => {
            if at.is_some_and(|at| !(0..=Clock::LATEST).contains(&at)) {
                return Err(out_of_range("/at", Clock::LATEST));
            }
            context.clock.set(at, frozen.unwrap_or_default());
        }
    }
    Ok(reading(&context))
}

/// `POST /control/clock/advance`: moves the clock of everything in this process forward.
pub async fn advance_clock(
    State(context): State<Arc<ControlContext>>,
    JsonBody(Advance { seconds }): JsonBody<Advance>,
) -> Result<impl IntoResponse, ControlError> {
    let left = Clock::LATEST.saturating_sub(context.clock.seconds()).max(0);
    let by = u64::try_from(seconds).ok().filter(|_| seconds <= left);
    let by = by.ok_or_else(|| out_of_range("/seconds", left))?;
    context.clock.advance(Duration::from_secs(by));
    Ok(reading(&context))
}

fn out_of_range(pointer: &str, at_most: i64) -> ControlError {
    ControlError::invalid("the number is out of range")
        .at(pointer)
        .expecting(format!("an integer from 0 to {at_most}"))
}

fn reading(context: &ControlContext) -> impl IntoResponse + use<> {
    (NO_STORE, Json(ClockReading::of(&context.clock)))
}
