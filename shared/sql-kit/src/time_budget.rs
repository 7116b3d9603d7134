//! Time budgets: the limit of what one request may wait for PostgreSQL, over all its queries.

use std::{cell::Cell, time::Duration};

use tokio::time::{Instant, timeout};

use crate::DatabaseError;

/// The limit of a query outside requests.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(10);

tokio::task_local! {
    /// What is left for the request that this task handles.
    static REMAINING: Cell<Duration>;
}

/// Runs a request whose queries may take `budget` in total.
pub async fn with_time_budget<T>(budget: Duration, request: impl Future<Output = T>) -> T {
    REMAINING.scope(Cell::new(budget), request).await
}

/// Runs a query, and charges its duration to the budget of the request. Outside of a request, the
/// query may take 10 seconds.
///
/// # Errors
/// Returns an error if the query fails, or the budget is used up. The query is then dropped. If it
/// was a change, it is unknown whether the database applies it.
pub async fn within_time_budget<T, E: From<DatabaseError>>(
    query: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let remaining = REMAINING.try_with(Cell::get).unwrap_or(BACKGROUND_TIMEOUT);
    let started = Instant::now();
    let result = timeout(remaining, query).await;
    // Outside of a request there is nothing to charge.
    let _ = REMAINING.try_with(|left| left.set(left.get().saturating_sub(started.elapsed())));
    result.unwrap_or_else(|_| Err(DatabaseError::new("the database does not respond").into()))
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause};

    use super::*;

    async fn query(duration: Duration) -> Result<(), DatabaseError> {
        within_time_budget(async {
            tokio::time::sleep(duration).await;
            Ok(())
        })
        .await
    }

    #[tokio::test]
    async fn queries_of_a_request_share_its_budget() {
        pause();
        let second = Duration::from_secs(1);
        with_time_budget(2 * second, async {
            query(second).await.unwrap();
            // Time between queries is not charged.
            advance(10 * second).await;
            let started = Instant::now();
            assert!(query(2 * second).await.is_err());
            assert_eq!(started.elapsed(), second);
            assert!(query(second).await.is_err(), "nothing is left");
        })
        .await;
    }

    #[tokio::test]
    async fn query_outside_of_a_request_ends_after_ten_seconds() {
        pause();
        let started = Instant::now();
        assert!(query(Duration::from_secs(60)).await.is_err());
        assert_eq!(started.elapsed().as_secs(), BACKGROUND_TIMEOUT.as_secs());
    }
}
