//! The management listener: health, readiness and metrics, apart from what a server serves to its
//! callers. Also the order in which a server stops, which readiness announces.

use axum::Router;
use http::StatusCode;
use prometheus_client::registry::Registry;

use crate::{
    BoundListener, CancellationToken, Limits, Server,
    error_response::invalid_request,
    health::{self, Readiness},
    metrics,
};

/// Readiness and metrics of a server, and the listener that serves them if there is one.
pub struct Management {
    listener: Option<BoundListener>,
    readiness: Readiness,
    registry: Registry,
    limits: Limits,
}

impl Management {
    /// Serves `readiness` and `registry` on `listener`, in plain http. The listener is none of the
    /// public ones, so it trusts no proxy and accepts requests for any host: probes and Prometheus
    /// name a server by its address.
    #[must_use]
    pub fn new(
        listener: Option<BoundListener>,
        readiness: Readiness,
        registry: Registry,
        limits: &Limits,
    ) -> Self {
        Self { listener, readiness, registry, limits: limits.clone() }
    }

    /// Returns the readiness of the server, for callers in this process.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Runs `serve`, which serves the public listeners until its token is cancelled, and the
    /// management listener beside it.
    ///
    /// When `stop` is cancelled, `/readyz` fails at once. The public listeners close
    /// `limits.drain_delay_seconds` later, when load balancers have noticed. The management
    /// listener closes last, so that it answers while requests are completed.
    ///
    /// # Errors
    /// Returns the error of `serve`, or one if the management listener fails.
    pub async fn run_with<F>(
        self,
        stop: CancellationToken,
        serve: impl FnOnce(CancellationToken) -> F,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let Self { listener, readiness, registry, limits } = self;
        let (close, served) = (CancellationToken::new(), CancellationToken::new());
        let app = routes(readiness.clone(), registry);
        let manage = async {
            match listener {
                Some(bound) => {
                    let server = Server::new(bound, app, &limits).with_reserved_connections();
                    server.run(served.clone()).await
                }
                None => Ok(()),
            }
        };
        let public = async {
            let result = serve(close.clone()).await;
            served.cancel();
            result
        };
        let stopping = async {
            tokio::select! {
                () = stop.cancelled() => (),
                () = served.cancelled() => return Ok(()),
            }
            readiness.set_stopping();
            tokio::select! {
                () = tokio::time::sleep(limits.drain_delay()) => close.cancel(),
                () = served.cancelled() => (),
            }
            Ok(())
        };
        tokio::try_join!(public, async { Ok(manage.await?) }, stopping)?;
        Ok(())
    }
}

fn routes(readiness: Readiness, registry: Registry) -> Router {
    health::routes(readiness).merge(metrics::routes(registry)).fallback(|| async {
        invalid_request(
            StatusCode::NOT_FOUND,
            "no resource at this path; this listener has /healthz, /readyz and /metrics only",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn management(drain_delay_seconds: u64) -> Management {
        let limits = Limits { drain_delay_seconds, ..Limits::default() };
        Management::new(None, Readiness::always(), Registry::default(), &limits)
    }

    #[tokio::test]
    async fn readiness_ends_before_the_public_listeners_close() {
        let (management, stop) = (management(0), CancellationToken::new());
        let readiness = management.readiness();
        assert_eq!(readiness.check(true).await, Ok(()));
        stop.cancel();
        let serve = |close: CancellationToken| async move {
            close.cancelled().await;
            assert_eq!(readiness.check(false).await, Err("the server is stopping".to_owned()));
            Ok(())
        };
        management.run_with(stop, serve).await.unwrap();
    }

    #[tokio::test]
    async fn public_listeners_stay_open_during_the_drain_delay() {
        let (management, stop) = (management(3_600), CancellationToken::new());
        let readiness = management.readiness();
        stop.cancel();
        let serve = |close: CancellationToken| async move {
            while readiness.check(false).await.is_ok() {
                tokio::task::yield_now().await;
            }
            assert!(!close.is_cancelled());
            Ok(())
        };
        management.run_with(stop, serve).await.unwrap();
    }

    #[tokio::test]
    async fn failure_of_a_public_listener_ends_the_server() {
        for stopping in [false, true] {
            let stop = CancellationToken::new();
            if stopping {
                stop.cancel();
            }
            let serve = |_| async { anyhow::bail!("the listener failed") };
            let failed = management(3_600).run_with(stop, serve).await;
            assert_eq!(failed.unwrap_err().to_string(), "the listener failed");
        }
    }
}
