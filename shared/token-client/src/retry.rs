use std::{
    future::Future,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};

use crate::error::TokenError;

/// No retry starts later than this after the first attempt, because the waiting caller has a
/// timeout too.
const BUDGET: Duration = Duration::from_secs(4);

/// A longer `Retry-After` is reported to the caller at once.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Makes up to three attempts, as long as the error is transient.
///
/// Client credentials requests and token exchanges are safe to repeat: they consume nothing, and a
/// token whose response was lost expires unused. Authorization codes and refresh tokens, which the
/// first attempt consumes, must not be retried this way.
pub(crate) async fn retry_transient<T, Fut>(attempt: impl FnMut() -> Fut) -> Result<T, TokenError>
where
    Fut: Future<Output = Result<T, TokenError>>,
{
    let started = Instant::now();
    // Jitter, so that the clients of a server that was down do not all return at the same moment.
    let delays = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_times(2)
        .with_jitter();
    attempt
        .retry(delays)
        .when(is_transient)
        .adjust(|error, proposed| delay(error, proposed?, started.elapsed()))
        .notify(|error, delay| tracing::debug!(%error, ?delay, "retrying token request"))
        .await
}

/// A timeout is not retried: the server is slow already, and the caller has waited. A 500 is a bug,
/// and the same request triggers it again.
fn is_transient(error: &TokenError) -> bool {
    match error {
        TokenError::Unreachable { .. } => true,
        TokenError::Unavailable { status, .. } => matches!(status, 429 | 502 | 503 | 504),
        _ => false,
    }
}

/// Returns the delay before the next attempt, or `None` to give up.
fn delay(error: &TokenError, proposed: Duration, elapsed: Duration) -> Option<Duration> {
    let retry_after = error.retry_after().unwrap_or_default();
    let delay = retry_after.saturating_add(proposed);
    let in_budget = elapsed.saturating_add(delay) <= BUDGET;
    (retry_after <= MAX_RETRY_AFTER && in_budget).then_some(delay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Endpoint;

    const TENTH: Duration = Duration::from_millis(100);

    fn unavailable(retry_after: Option<u64>) -> TokenError {
        TokenError::Unavailable {
            endpoint: Endpoint::Token,
            url: String::new(),
            status: 429,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn only_short_retry_after_is_retried() {
        assert_eq!(delay(&unavailable(Some(1)), TENTH, TENTH), Some(Duration::from_millis(1_100)));
        for long in [3, u64::MAX] {
            assert_eq!(delay(&unavailable(Some(long)), TENTH, TENTH), None);
        }
    }

    #[test]
    fn no_attempt_starts_after_the_retry_budget() {
        assert_eq!(delay(&unavailable(None), TENTH, BUDGET - TENTH), Some(TENTH));
        assert_eq!(delay(&unavailable(None), TENTH, BUDGET), None);
    }
}
