//! The one place that asks the machine for the time.
//!
//! Every rule of OAuth that speaks of time takes it as an argument. A process hands a [`Clock`]
//! down from `main`; a test hands down one that stands still until it is told to advance.
#![warn(missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Tells the time in units since 1970-01-01 UTC. Clones tell the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `seconds` until [`Clock::advance`].
    #[must_use]
    pub fn manual(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds.saturating_mul(1_000_000)))))
    }

    /// Move a manual clock and all its clones. The machine's clock is nobody's to move.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            manual.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &self.0 {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => machine_micros(),
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.micros().div_euclid(1_000)
    }

    /// Seconds since 1970: the `NumericDate` of RFC 7519 §2.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.micros().div_euclid(1_000_000)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that the rule sends everybody to")]
fn machine_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_and_its_clones_move_only_when_told() {
        let clock = Clock::manual(1_000);
        let clone = clock.clone();
        assert_eq!(clone.seconds(), 1_000);
        clock.advance(Duration::from_millis(2_500));
        assert_eq!((clone.seconds(), clone.millis()), (1_002, 1_002_500));
    }

    #[test]
    fn the_machines_clock_runs_and_cannot_be_moved() {
        let clock = Clock::system();
        let before = clock.seconds();
        clock.advance(Duration::from_secs(3_600));
        assert!(before > 1_700_000_000 && clock.seconds() - before < 60);
    }
}
