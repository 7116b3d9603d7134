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
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A clock that counts from 1970-01-01 00:00 UTC. Clones share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual(Arc<ManualTime>),
}

/// In microseconds.
#[derive(Debug)]
struct ManualTime {
    unix: AtomicI64,
    uptime: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// Returns the system clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// Returns a clock that stays at `seconds` until [`Clock::advance`] is called.
    #[must_use]
    pub fn manual(seconds: i64) -> Self {
        let unix = AtomicI64::new(seconds.saturating_mul(1_000_000));
        Self(Source::Manual(Arc::new(ManualTime { unix, uptime: AtomicI64::new(0) })))
    }

    /// Moves a manual clock and all its clones. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            manual.unix.fetch_add(micros, Ordering::SeqCst);
            manual.uptime.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock and all its clones back, as an administrator or a time server does:
    /// [`Clock::uptime`] goes on. Has no effect on the system clock.
    pub fn set_back(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            manual.unix.fetch_sub(micros, Ordering::SeqCst);
        }
    }

    /// Returns how long this clock has been running. It never goes back, so use it to measure
    /// periods within the process.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => Duration::from_micros(
                u64::try_from(manual.uptime.load(Ordering::SeqCst)).unwrap_or_default(),
            ),
        }
    }

    /// Returns the time in microseconds.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &self.0 {
            Source::Manual(manual) => manual.unix.load(Ordering::SeqCst),
            Source::System { .. } => system_micros(),
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
    fn uptime_goes_on_when_the_clock_is_set_back() {
        let clock = Clock::manual(10_000);
        clock.advance(Duration::from_secs(5));
        clock.set_back(Duration::from_secs(3_600));
        assert_eq!((clock.seconds(), clock.uptime()), (6_405, Duration::from_secs(5)));
    }

    #[test]
    fn system_clock_runs_and_cannot_be_advanced() {
        let clock = Clock::system();
        let before = clock.seconds();
        clock.advance(Duration::from_secs(3_600));
        assert!(before > 1_700_000_000 && clock.seconds() - before < 60);
    }
}
