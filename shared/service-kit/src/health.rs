//! Health endpoints: `/healthz` (liveness: the process runs) and `/readyz` (readiness: it can serve
//! requests).

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use clock::Clock;
use serde_json::json;
use tokio::sync::Mutex;

use crate::error_response::unknown_method;

/// Checks whether the server can serve requests. `Err` contains the reason why it cannot, which
/// `/readyz` returns.
pub type Readiness =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Time limit of a readiness check. Probes repeat every few seconds, and hanging checks must not
/// accumulate.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Wraps a check that runs at every request. Use `readiness(|| async { Ok(()) })` for a server that
/// is ready as soon as it runs.
pub fn readiness<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// Wraps an expensive check: at most one runs at a time, and its result is cached until the next
/// second of `clock`.
pub fn cached_readiness<F>(clock: Clock, check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let (check, cached) = (Arc::new(check), Arc::new(Mutex::new(None)));
    readiness(move || {
        let (clock, check, cached) = (clock.clone(), Arc::clone(&check), Arc::clone(&cached));
        async move {
            let mut cached = cached.lock().await;
            match &*cached {
                Some((second, result)) if *second == clock.seconds() => Result::clone(result),
                _ => {
                    let result = check().await;
                    *cached = Some((clock.seconds(), result.clone()));
                    result
                }
            }
        }
    })
}

/// Returns the routes `GET /healthz` and `GET /readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/readyz", get(move || respond(readiness(), CHECK_TIMEOUT)))
        .method_not_allowed_fallback(unknown_method)
}

async fn respond(
    check: impl Future<Output = Result<(), String>>,
    limit: Duration,
) -> impl IntoResponse {
    let result = tokio::time::timeout(limit, check).await;
    match result
        .unwrap_or_else(|_| Err(format!("the check did not finish within {} s", limit.as_secs())))
    {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ready" }))),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready", "reason": reason })),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn cached_check_runs_once_a_second() {
        let (clock, runs) = (Clock::manual(5), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&runs);
        let readiness = cached_readiness(clock.clone(), move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Err(format!("check {number}")) }
        });
        for (seconds, reason) in [(0, "check 0"), (0, "check 0"), (1, "check 1"), (0, "check 1")] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(readiness().await, Err(reason.to_owned()));
        }
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn hanging_check_is_not_ready() {
        let response = respond(std::future::pending(), Duration::ZERO).await.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
