//! The only access to the system time in this workspace.
//!
//! Functions that depend on time take it as an argument. `main` passes a [`Clock`] down; tests pass
//! one that moves only by [`Clock::advance`].
#![warn(missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A clock that counts from 1970-01-01 00:00 UTC. Clones share its time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Returns the system clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that stays at `seconds` until [`Clock::advance`] is called.
    #[must_use]
    pub fn manual(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds.saturating_mul(1_000_000)))))
    }

    /// Moves a manual clock and all its clones. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            manual.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Returns the time in microseconds.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &self.0 {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => system_micros(),
        }
    }

    /// Returns the time in milliseconds.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.micros().div_euclid(1_000)
    }

    /// Returns the time in seconds: a `NumericDate` of RFC 7519 §2.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.micros().div_euclid(1_000_000)
    }
}

#[expect(clippy::disallowed_methods, reason = "the only permitted use")]
fn system_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_by_advance() {
        let clock = Clock::manual(1_000);
        let clone = clock.clone();
        assert_eq!(clone.seconds(), 1_000);
        clock.advance(Duration::from_millis(2_500));
        assert_eq!((clone.seconds(), clone.millis()), (1_002, 1_002_500));
    }

    #[test]
    fn system_clock_runs_and_cannot_be_advanced() {
        let clock = Clock::system();
        let before = clock.seconds();
        clock.advance(Duration::from_secs(3_600));
        assert!(before > 1_700_000_000 && clock.seconds() - before < 60);
    }
}
