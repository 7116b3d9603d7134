//! The only access to the system time in this workspace.
//!
//! Functions that depend on time take it as an argument. `main` passes a [`Clock`] down; tests pass
//! one that moves only by [`Clock::advance`]. A server for tests has one that follows the system
//! until it is adjusted.
#![warn(missing_docs)]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A clock that counts from 1970-01-01 00:00 UTC. Clones share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Adjustable(Arc<Adjustable>),
}

#[derive(Debug)]
struct Adjustable {
    /// When the clock was made. `None` for a manual clock, whose uptime moves by adjustments only.
    started: Option<Instant>,
    initial: Time,
    adjustment: Mutex<Adjustment>,
}

/// In microseconds.
#[derive(Clone, Copy, Debug)]
struct Adjustment {
    time: Time,
    /// What adjustments have added to the uptime.
    skipped: i64,
}

#[derive(Clone, Copy, Debug)]
enum Time {
    /// The system time plus an offset.
    Running { offset: i64 },
    /// The same time until the next adjustment.
    Frozen { at: i64 },
}

/// The reading of a clock and its difference from the system time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time in seconds.
    pub now: i64,
    /// By how many seconds the clock is ahead of the system time.
    pub offset: i64,
    /// Whether the clock stays at this time until the next adjustment.
    pub frozen: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The latest time in seconds that a clock can be adjusted to: 9999-12-31T23:59:59Z, the last
    /// second that RFC 3339 can write.
    pub const LATEST: i64 = 253_402_300_799;

    /// Returns the system clock. Nothing adjusts it.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// Returns a clock that follows the system clock until it is adjusted.
    #[must_use]
    pub fn adjustable() -> Self {
        Self::with(Some(Instant::now()), Time::Running { offset: 0 })
    }

    /// Returns a clock that stays at `seconds` until it is adjusted. So does its uptime.
    #[must_use]
    pub fn manual(seconds: i64) -> Self {
        Self::with(None, Time::Frozen { at: seconds.saturating_mul(1_000_000) })
    }

    fn with(started: Option<Instant>, time: Time) -> Self {
        let adjustment = Mutex::new(Adjustment { time, skipped: 0 });
        Self(Source::Adjustable(Arc::new(Adjustable { started, initial: time, adjustment })))
    }

    /// Returns whether the clock can be adjusted.
    #[must_use]
    pub fn is_adjustable(&self) -> bool {
        matches!(self.0, Source::Adjustable(_))
    }

    /// Moves the clock and all its clones forward, at most to [`Clock::LATEST`]. [`Clock::uptime`]
    /// moves with it, so that periods end too. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        self.adjust(|time| {
            let left = (Self::LATEST * 1_000_000).saturating_sub(time.micros()).max(0);
            time.moved(i64::try_from(by.as_micros()).unwrap_or(i64::MAX).min(left))
        });
    }

    /// Sets the clock and all its clones back, as an administrator or a time server does:
    /// [`Clock::uptime`] goes on. Has no effect on the system clock.
    pub fn set_back(&self, by: Duration) {
        self.adjust(|time| time.moved(-i64::try_from(by.as_micros()).unwrap_or(i64::MAX)));
    }

    /// Sets the clock and all its clones to `seconds`, or leaves it at its time. It goes on from
    /// there unless it is frozen. A move forward is one of [`Clock::uptime`] too. Has no effect on
    /// the system clock.
    pub fn set(&self, seconds: Option<i64>, frozen: bool) {
        self.adjust(|time| {
            let at = seconds.map_or_else(|| time.micros(), |at| at.saturating_mul(1_000_000));
            match frozen {
                true => Time::Frozen { at },
                false => Time::Running { offset: at.saturating_sub(system_micros()) },
            }
        });
    }

    /// Makes an adjusted clock and all its clones follow the system clock again. Has no effect on
    /// the system clock.
    pub fn follow_system(&self) {
        self.adjust(|_| Time::Running { offset: 0 });
    }

    /// Makes an adjusted clock and all its clones what they were when the clock was made. The
    /// uptime goes on. Has no effect on the system clock.
    pub fn reset(&self) {
        if let Source::Adjustable(clock) = &self.0 {
            clock.adjustment().time = clock.initial;
        }
    }

    fn adjust(&self, change: impl FnOnce(Time) -> Time) {
        if let Source::Adjustable(clock) = &self.0 {
            let mut adjustment = clock.adjustment();
            let before = adjustment.time.micros();
            adjustment.time = change(adjustment.time);
            let forward = adjustment.time.micros().saturating_sub(before).max(0);
            adjustment.skipped = adjustment.skipped.saturating_add(forward);
        }
    }

    /// Returns how long this clock has been running. It never goes back, so use it to measure
    /// periods within the process. It goes on while an adjustable clock is frozen.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Adjustable(clock) => {
                let skipped = u64::try_from(clock.adjustment().skipped).unwrap_or_default();
                let running = clock.started.map(|started| started.elapsed()).unwrap_or_default();
                running + Duration::from_micros(skipped)
            }
        }
    }

    /// Returns the reading of this clock.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let time = match &self.0 {
            Source::System { .. } => Time::Running { offset: 0 },
            Source::Adjustable(clock) => clock.adjustment().time,
        };
        let (micros, system) = (time.micros(), system_micros());
        let (offset, frozen) = match time {
            Time::Running { offset } => (offset, false),
            Time::Frozen { at } => (at.saturating_sub(system), true),
        };
        Reading {
            now: micros.div_euclid(1_000_000),
            // To the nearest second: a clock that was set to a whole one is off by microseconds.
            offset: offset.saturating_add(500_000).div_euclid(1_000_000),
            frozen,
        }
    }

    /// Returns the time in microseconds.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &self.0 {
            Source::System { .. } => system_micros(),
            Source::Adjustable(clock) => clock.adjustment().time.micros(),
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

impl Adjustable {
    fn adjustment(&self) -> MutexGuard<'_, Adjustment> {
        self.adjustment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Time {
    fn micros(self) -> i64 {
        match self {
            Self::Running { offset } => system_micros().saturating_add(offset),
            Self::Frozen { at } => at,
        }
    }

    /// Returns the time that is later by this, and runs or stays as this one does.
    fn moved(self, by: i64) -> Self {
        match self {
            Self::Running { offset } => Self::Running { offset: offset.saturating_add(by) },
            Self::Frozen { at } => Self::Frozen { at: at.saturating_add(by) },
        }
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
        clock.set(Some(1), true);
        assert!(clock.seconds() >= before && !clock.is_adjustable());
    }

    #[test]
    fn adjusted_clock_runs_on_from_its_new_time() {
        let (system, clock) = (Clock::system(), Clock::adjustable());
        let clone = clock.clone();
        let ahead = |expected: i64| {
            let difference = clone.seconds() - system.seconds();
            assert!((expected..expected + 60).contains(&difference), "{difference}");
        };
        ahead(0);
        clock.advance(Duration::from_secs(3_600));
        ahead(3_600);
        assert_eq!(clock.reading().offset, 3_600);
        assert!(clock.uptime() >= Duration::from_secs(3_600));
        clock.set(Some(1_000), false);
        let before = clock.micros();
        while clock.micros() == before {}
        assert!(clone.seconds() < 1_060 && clock.uptime() >= Duration::from_secs(3_600));
        clock.follow_system();
        ahead(0);
        assert_eq!((clock.reading().offset, clock.reading().frozen), (0, false));
    }

    #[test]
    fn frozen_clock_stays_while_its_uptime_goes_on() {
        let clock = Clock::adjustable();
        clock.set(Some(2_000), true);
        let (uptime, reading) = (clock.uptime(), clock.reading());
        while clock.uptime() == uptime {}
        assert_eq!((clock.micros(), reading.now, reading.frozen), (2_000_000_000, 2_000, true));
        assert!(reading.offset < -1_700_000_000, "{reading:?}");
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.micros(), 2_005_000_000);
        clock.set(None, false);
        assert!((2_005..2_065).contains(&clock.seconds()) && !clock.reading().frozen);
    }

    #[test]
    fn reset_clock_is_as_it_was_made_and_its_uptime_goes_on() {
        for (clock, is_frozen) in [(Clock::manual(1_000), true), (Clock::adjustable(), false)] {
            let initial = clock.seconds();
            clock.set(Some(5_000), !is_frozen);
            let uptime = clock.uptime();
            clock.reset();
            assert!((initial..initial + 60).contains(&clock.seconds()));
            assert_eq!(clock.reading().frozen, is_frozen);
            assert!(clock.uptime() >= uptime);
        }
    }

    #[test]
    fn no_adjustment_overflows() {
        let clock = Clock::adjustable();
        for _ in 0..3 {
            clock.advance(Duration::MAX);
            assert!((Clock::LATEST..Clock::LATEST + 60).contains(&clock.seconds()));
            clock.set(Some(i64::MAX), false);
            clock.set(Some(i64::MIN), true);
            clock.set_back(Duration::MAX);
            clock.follow_system();
        }
        assert!(clock.uptime() > Duration::from_secs(1));
    }
}
