use std::{
    future::Future,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};

use crate::error::TokenError;

/// After this time no further attempt begins: whoever waits for us has a time limit too.
const BUDGET: Duration = Duration::from_secs(4);

/// Asked to wait longer, we tell the caller at once instead of keeping it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Try up to three times, if the failure is one that passes.
///
/// A client credentials request and a token exchange are safe to repeat: they spend nothing, and a
/// token whose answer was lost is used by nobody and expires. This does not hold for a code or a
/// refresh token: these are spent by the first attempt.
pub(crate) async fn retry_transient<T, Fut>(attempt: impl FnMut() -> Fut) -> Result<T, TokenError>
where
    Fut: Future<Output = Result<T, TokenError>>,
{
    let started = Instant::now();
    // Jitter, so that all clients of a server that was down do not come back in the same moment.
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_times(2)
        .with_jitter();
    attempt
        .retry(pauses)
        .when(passes)
        .adjust(|error, proposed| pause(error, proposed?, started.elapsed()))
        .notify(|error, pause| tracing::debug!(%error, ?pause, "will ask the authorization server again"))
        .await
}

/// A timeout is not tried again: the server is slow already, and the caller has waited. A 500 is a
/// bug there, and the same request meets it again.
fn passes(error: &TokenError) -> bool {
    match error {
        TokenError::Unreachable { .. } => true,
        TokenError::Unavailable { status, .. } => matches!(status, 429 | 502 | 503 | 504),
        _ => false,
    }
}

fn pause(error: &TokenError, proposed: Duration, spent: Duration) -> Option<Duration> {
    let asked = error.retry_after().unwrap_or_default();
    let pause = asked.saturating_add(proposed);
    (asked <= LONGEST_WAIT && spent.saturating_add(pause) <= BUDGET).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Step;

    const A_TENTH: Duration = Duration::from_millis(100);

    fn unavailable(retry_after: Option<u64>) -> TokenError {
        let retry_after = retry_after.map(Duration::from_secs);
        TokenError::Unavailable { step: Step::Token, url: String::new(), status: 429, retry_after }
    }

    #[test]
    fn a_short_retry_after_is_waited_for_and_a_long_one_is_not() {
        assert_eq!(
            pause(&unavailable(Some(1)), A_TENTH, A_TENTH),
            Some(Duration::from_millis(1_100))
        );
        for long in [3, u64::MAX] {
            assert_eq!(pause(&unavailable(Some(long)), A_TENTH, A_TENTH), None);
        }
    }

    #[test]
    fn when_the_budget_is_spent_no_attempt_begins() {
        assert_eq!(pause(&unavailable(None), A_TENTH, BUDGET - A_TENTH), Some(A_TENTH));
        assert_eq!(pause(&unavailable(None), A_TENTH, BUDGET), None);
    }
}
