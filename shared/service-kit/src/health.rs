//! Health endpoints of the management listener: `/healthz` (liveness: the process runs), `/readyz`
//! (readiness: this instance can serve requests) and `/readyz?deep` (it and what it shares with
//! other instances).

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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

/// The checks of a server. Clones share whether the server is stopping.
#[derive(Clone)]
pub struct Readiness {
    instance: Check,
    shared: Check,
    stopping: Arc<AtomicBool>,
}

/// Time limit of all checks of one request, so that it is answered within a second. Probes repeat
/// every few seconds, and hanging checks must not accumulate.
const CHECK_TIMEOUT: Duration = Duration::from_millis(900);

impl Readiness {
    /// A server that is ready as soon as it runs.
    #[must_use]
    pub fn always() -> Self {
        let no_check = check(|| async { Ok(()) });
        Self { instance: Arc::clone(&no_check), shared: no_check, stopping: Arc::default() }
    }

    /// Adds what each instance has for itself.
    #[must_use]
    pub fn with_instance(self, instance: Check) -> Self {
        let earlier = self.instance;
        let both = check(move || {
            let (earlier, instance) = (earlier(), instance());
            async move {
                earlier.await?;
                instance.await
            }
        });
        Self { instance: both, ..self }
    }

    /// Adds what the instances share. Only `/readyz?deep` runs this check: if it fails, it fails
    /// for all of them, and a load balancer would have no instance left.
    #[must_use]
    pub fn with_shared(self, shared: Check) -> Self {
        Self { shared, ..self }
    }

    /// Runs the checks of `/readyz`, or those of `/readyz?deep`.
    ///
    /// # Errors
    /// Returns the reason why the server is not ready.
    pub async fn check(&self, deep: bool) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("the server is stopping".to_owned());
        }
        let checks = async {
            (self.instance)().await?;
            if deep { (self.shared)().await } else { Ok(()) }
        };
        within(CHECK_TIMEOUT, checks).await
    }

    /// Makes every further check fail, before the server closes its listeners.
    pub(crate) fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
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
pub(crate) fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .route(
            "/readyz",
            get(async move |RawQuery(query): RawQuery| {
                respond(readiness.check(is_deep(query.as_deref())).await)
            }),
        )
        .method_not_allowed_fallback(unknown_method)
}

fn is_deep(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("deep")))
}

async fn within(
    limit: Duration,
    checks: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let result = tokio::time::timeout(limit, checks).await;
    result.unwrap_or_else(|_| {
        Err(format!("the check did not finish within {} ms", limit.as_millis()))
    })
}

fn respond(result: Result<(), String>) -> Response {
    match result {
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
        assert_eq!(readiness.check(is_deep(None)).await, Ok(()));
        assert_eq!(readiness.check(is_deep(Some("deeper=1"))).await, Ok(()));
        for deep in ["deep", "deep=1", "a=b&deep"] {
            assert_eq!(readiness.check(is_deep(Some(deep))).await, Err("database".to_owned()));
        }
        let readiness = readiness.with_instance(fails("keys")).with_instance(fails("file"));
        assert_eq!(readiness.check(false).await, Err("keys".to_owned()));
    }

    #[tokio::test]
    async fn hanging_database_is_reported_within_a_second() {
        tokio::time::pause();
        let readiness = Readiness::always().with_shared(check(std::future::pending));
        let started = tokio::time::Instant::now();
        assert!(readiness.check(true).await.is_err());
        assert!(started.elapsed() <= Duration::from_secs(1), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn hanging_check_is_not_ready() {
        let result = within(Duration::ZERO, std::future::pending()).await;
        assert_eq!(result, Err("the check did not finish within 0 ms".to_owned()));
        assert_eq!(respond(result).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
