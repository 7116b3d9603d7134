use crate::error::VerifyError;

/// After a failure no further attempt is made for this time, in milliseconds.
const BACKOFF_MILLIS: i64 = 1_000;

/// The last failure of a fetch that many callers wait for.
///
/// Callers that waited for the lock get the same error at once. Otherwise, if the issuer hangs,
/// each would run into its own timeout, one after the other.
#[derive(Debug, Default)]
pub(crate) struct FailureBackoff(Option<(i64, VerifyError)>);

impl FailureBackoff {
    /// Returns the last failure while it is recent.
    pub(crate) fn check(&self, now_millis: i64) -> Result<(), VerifyError> {
        match &self.0 {
            Some((at, error)) if is_recent(*at, now_millis, BACKOFF_MILLIS) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Records the outcome of an attempt.
    pub(crate) fn record<T>(&mut self, now_millis: i64, outcome: &Result<T, VerifyError>) {
        self.0 = outcome.as_ref().err().map(|error| (now_millis, error.clone()));
    }
}

/// Returns whether `then` and `now` are less than `period` apart. The order does not matter: a
/// clock that was set back must not cause a backoff of hours.
pub(crate) fn is_recent(then: i64, now: i64, period: i64) -> bool {
    now.saturating_sub(then).saturating_abs() < period
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_ends_after_clock_was_set_back() {
        for (now, recent) in
            [(1_000, true), (1_999, true), (2_000, false), (1, true), (0, false), (i64::MIN, false)]
        {
            assert_eq!(is_recent(1_000, now, 1_000), recent, "{now}");
        }
    }

    #[test]
    fn failure_is_repeated_for_one_second() {
        let mut backoff = FailureBackoff::default();
        backoff.record(5_000, &Err::<(), _>(VerifyError::unavailable("C is down", None)));
        assert!(backoff.check(5_999).is_err() && backoff.check(6_000).is_ok());
        backoff.record(6_000, &Ok(()));
        assert!(backoff.check(6_000).is_ok());
    }
}
