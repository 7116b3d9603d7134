//! `/healthz`: the process runs. `/readyz`: it can do its work.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use clock::Clock;
use serde_json::json;
use tokio::sync::Mutex;

use crate::error_response::unknown_method;

/// Tells whether the service can do its work: `Err` says in words what is missing.
pub type Readiness =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Whoever asks for the readiness asks again soon; a check that hangs must not pile up.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// A service that is ready as soon as it runs needs no more than `readiness(|| async { Ok(()) })`.
pub fn readiness<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// The same with a check that costs something: one at a time, and its answer is good for a second.
pub fn cached_readiness<F>(clock: Clock, check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let (check, kept) = (Arc::new(check), Arc::new(Mutex::new(None)));
    readiness(move || {
        let (clock, check, kept) = (clock.clone(), Arc::clone(&check), Arc::clone(&kept));
        async move {
            let mut kept = kept.lock().await;
            match &*kept {
                Some((second, answer)) if *second == clock.seconds() => Result::clone(answer),
                _ => {
                    let answer = check().await;
                    *kept = Some((clock.seconds(), answer.clone()));
                    answer
                }
            }
        }
    })
}

/// `GET /healthz` and `GET /readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/readyz", get(move || answer(readiness(), CHECK_TIME)))
        .method_not_allowed_fallback(unknown_method)
}

async fn answer(
    check: impl Future<Output = Result<(), String>>,
    time: Duration,
) -> impl IntoResponse {
    let in_time = tokio::time::timeout(time, check).await;
    match in_time.unwrap_or_else(|_| Err(format!("no answer within {} s", time.as_secs()))) {
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
    async fn however_many_ask_a_dear_check_is_made_once_a_second() {
        let (clock, made) = (Clock::manual(5), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&made);
        let readiness = cached_readiness(clock.clone(), move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Err(format!("check {number}")) }
        });
        for (seconds, said) in [(0, "check 0"), (0, "check 0"), (1, "check 1"), (0, "check 1")] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(readiness().await, Err(said.to_owned()));
        }
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_not_ready() {
        let answer = answer(std::future::pending(), Duration::ZERO).await.into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
