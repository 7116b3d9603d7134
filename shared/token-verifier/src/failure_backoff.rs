use crate::VerifyError;

/// After a failure nobody asks again for so long, in milliseconds.
const PAUSE: i64 = 1_000;

/// The last failure of something that one fetches for many.
///
/// Those who waited for their turn hear the same reason at once. Else, with an issuer that hangs,
/// each would wait for a time limit of its own, one after the other.
#[derive(Debug, Default)]
pub(crate) struct FailureBackoff(Option<(i64, VerifyError)>);

impl FailureBackoff {
    /// `Err` with the last failure while it is recent.
    pub(crate) fn check(&self, now_millis: i64) -> Result<(), VerifyError> {
        match &self.0 {
            Some((at, error)) if is_recent(*at, now_millis, PAUSE) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Remember how it went.
    pub(crate) fn note<T>(&mut self, now_millis: i64, outcome: &Result<T, VerifyError>) {
        self.0 = outcome.as_ref().err().map(|error| (now_millis, error.clone()));
    }
}

/// Is less than `pause` between then and now? Both ways: a clock that was set back must not make a
/// pause of hours.
pub(crate) fn is_recent(then: i64, now: i64, pause: i64) -> bool {
    now.saturating_sub(then).saturating_abs() < pause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_also_when_the_clock_was_set_back() {
        for (now, recent) in
            [(1_000, true), (1_999, true), (2_000, false), (1, true), (0, false), (i64::MIN, false)]
        {
            assert_eq!(is_recent(1_000, now, 1_000), recent, "{now}");
        }
    }

    #[test]
    fn a_failure_is_told_again_for_a_second() {
        let mut pause = FailureBackoff::default();
        pause.note(5_000, &Err::<(), _>(VerifyError::unavailable("C is away", None)));
        assert!(pause.check(5_999).is_err() && pause.check(6_000).is_ok());
        pause.note(6_000, &Ok(()));
        assert!(pause.check(6_000).is_ok());
    }
}
