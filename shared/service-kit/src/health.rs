//! Health endpoints: `/healthz` (liveness: the process runs), `/readyz` (readiness: this instance
//! can serve requests) and `/readyz?deep` (it and what it shares with other instances).

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::RawQuery,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use clock::Clock;
use serde_json::json;
use tokio::sync::Mutex;

use crate::error_response::unknown_method;

/// A check of something that requests need. `Err` contains the reason why it does not work, which
/// `/readyz` returns.
pub type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The checks of a server.
#[derive(Clone)]
pub struct Readiness {
    instance: Check,
    shared: Check,
}

/// Time limit of all checks of a request, so that it is answered within a second. Probes repeat
/// every few seconds, and hanging checks must not accumulate.
const CHECK_TIMEOUT: Duration = Duration::from_millis(900);

impl Readiness {
    /// A server that is ready as soon as it runs.
    #[must_use]
    pub fn always() -> Self {
        Self { instance: check(|| async { Ok(()) }), shared: check(|| async { Ok(()) }) }
    }

    /// Adds what each instance has for itself.
    #[must_use]
    pub fn with_instance(self, instance: Check) -> Self {
        Self { instance, ..self }
    }

    /// Adds what the instances share. Only `/readyz?deep` runs this check: if it fails, it fails
    /// for all of them, and a load balancer would have no instance left.
    #[must_use]
    pub fn with_shared(self, shared: Check) -> Self {
        Self { shared, ..self }
    }

    async fn run(&self, deep: bool) -> Result<(), String> {
        (self.instance)().await?;
        if deep { (self.shared)().await } else { Ok(()) }
    }
}

/// Wraps a check that runs at every request.
pub fn check<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Check
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// Wraps an expensive check: at most one runs at a time, and its result is cached until the next
/// second of `clock`.
pub fn cached_check<F>(clock: Clock, run: impl Fn() -> F + Send + Sync + 'static) -> Check
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let (run, cached) = (Arc::new(run), Arc::new(Mutex::new(None)));
    check(move || {
        let (clock, run, cached) = (clock.clone(), Arc::clone(&run), Arc::clone(&cached));
        async move {
            let mut cached = cached.lock().await;
            match &*cached {
                Some((second, result)) if *second == clock.seconds() => Result::clone(result),
                _ => {
                    let result = run().await;
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
        .route(
            "/readyz",
            get(async move |RawQuery(query): RawQuery| {
                respond(readiness.run(is_deep(query.as_deref())), CHECK_TIMEOUT).await
            }),
        )
        .method_not_allowed_fallback(unknown_method)
}

fn is_deep(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("deep")))
}

async fn respond(check: impl Future<Output = Result<(), String>>, limit: Duration) -> Response {
    let result = tokio::time::timeout(limit, check).await;
    match result.unwrap_or_else(|_| {
        Err(format!("the check did not finish within {} ms", limit.as_millis()))
    }) {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ready" }))).into_response(),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready", "reason": reason })),
        )
            .into_response(),
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
        let check = cached_check(clock.clone(), move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Err(format!("check {number}")) }
        });
        for (seconds, reason) in [(0, "check 0"), (0, "check 0"), (1, "check 1"), (0, "check 1")] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(check().await, Err(reason.to_owned()));
        }
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn only_a_deep_check_includes_what_instances_share() {
        let fails = |reason: &'static str| check(move || async move { Err(reason.to_owned()) });
        let readiness = Readiness::always().with_shared(fails("database"));
        assert_eq!(readiness.run(is_deep(None)).await, Ok(()));
        assert_eq!(readiness.run(is_deep(Some("deeper=1"))).await, Ok(()));
        for deep in ["deep", "deep=1", "a=b&deep"] {
            assert_eq!(readiness.run(is_deep(Some(deep))).await, Err("database".to_owned()));
        }
        let readiness = readiness.with_instance(fails("keys"));
        assert_eq!(readiness.run(false).await, Err("keys".to_owned()));
    }

    #[tokio::test]
    async fn hanging_check_is_not_ready() {
        let response = respond(std::future::pending(), Duration::ZERO).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
