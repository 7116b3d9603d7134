//! `/healthz`: the process runs. `/readyz`: it can do its work.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;

use crate::refusal::unknown_method;

/// Tells whether the service can do its work: `Err` says in words what is missing.
pub type Readiness = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Whoever asks for the readiness asks again soon; a check that hangs must not pile up.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// A service that is ready as soon as it runs needs no more than `ready(|| async { Ok(()) })`.
pub fn ready<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// `GET /healthz` and `GET /readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/readyz", get(move || answer(readiness(), CHECK_TIME)))
        .method_not_allowed_fallback(unknown_method)
}

async fn answer(check: impl Future<Output = Result<(), String>>, time: Duration) -> impl IntoResponse {
    let in_time = tokio::time::timeout(time, check).await;
    match in_time.unwrap_or_else(|_| Err(format!("no answer within {} s", time.as_secs()))) {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ready" }))),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_hangs_is_not_ready() {
        let answer = answer(std::future::pending(), Duration::ZERO).await.into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
