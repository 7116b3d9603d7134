use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::{Control, ControlError};

const PATH: &str = "/control/clock";

/// The clock of the server, by which tokens, sessions and rate limits end. See [`Control::clock`].
#[derive(Clone, Copy, Debug)]
pub struct ServerClock<'a>(&'a Control);

/// The reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ClockReading {
    /// In seconds since 1970.
    pub now: i64,
    /// By how many seconds it is ahead of the system time.
    pub offset: i64,
    /// Whether it stands still.
    pub frozen: bool,
}

impl Control {
    /// Returns the clock of the server. The clock of the test's own process is another one.
    #[must_use]
    pub fn clock(&self) -> ServerClock<'_> {
        ServerClock(self)
    }
}

impl ServerClock<'_> {
    /// Returns the reading.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn read(&self) -> Result<ClockReading, ControlError> {
        self.0.get(PATH).await
    }

    /// Moves the clock forward, by whole seconds: a fraction counts as a second.
    ///
    /// # Errors
    /// Returns an error if the year would be after 9999, or if the call fails.
    pub async fn advance(&self, by: Duration) -> Result<ClockReading, ControlError> {
        let seconds = by.as_secs().saturating_add(u64::from(by.subsec_nanos() > 0));
        self.0.post(&format!("{PATH}/advance"), &json!({ "seconds": seconds })).await
    }

    /// Sets the clock to a time in seconds since 1970, from which it goes on.
    ///
    /// # Errors
    /// Returns an error if the year is not between 1970 and 9999, or if the call fails.
    pub async fn set(&self, at: i64) -> Result<ClockReading, ControlError> {
        self.0.put(PATH, &json!({ "at": at, "frozen": false })).await
    }

    /// Sets the clock to a time in seconds since 1970, and stops it there.
    ///
    /// # Errors
    /// Returns an error if the year is not between 1970 and 9999, or if the call fails.
    pub async fn freeze_at(&self, at: i64) -> Result<ClockReading, ControlError> {
        self.0.put(PATH, &json!({ "at": at, "frozen": true })).await
    }

    /// Stops the clock at its time.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn freeze(&self) -> Result<ClockReading, ControlError> {
        self.0.put(PATH, &json!({ "frozen": true })).await
    }

    /// Lets a stopped clock go on from its time.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn unfreeze(&self) -> Result<ClockReading, ControlError> {
        self.0.put(PATH, &json!({ "frozen": false })).await
    }

    /// Sets the clock back to the time of the system.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn follow_system(&self) -> Result<ClockReading, ControlError> {
        self.0.put(PATH, &json!({ "follow": "system" })).await
    }
}
