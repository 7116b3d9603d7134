//! Prometheus metrics of HTTP requests, and `/metrics` of the management listener. Each server has
//! its own registry, so that several servers can run in one process.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::error_response::unknown_method;

/// Counts requests by method, route and status, and measures their duration by route.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<Labels, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

impl HttpMetrics {
    /// Registers `http_requests` and `http_request_seconds` in `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let durations =
            Family::<RouteLabel, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0001, 2.5, 12))
            });
        registry.register(
            "http_requests",
            "HTTP requests by method, route pattern and status",
            requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time from the request headers to the response headers, in seconds",
            durations.clone(),
        );
        Self { requests, durations }
    }

    pub(crate) fn record(
        &self,
        method: &Method,
        route: &str,
        status: StatusCode,
        duration: Duration,
    ) {
        let labels = Labels {
            method: method_label(method),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabel { route: route.to_owned() })
            .observe(duration.as_secs_f64());
    }
}

/// Maps unknown methods to `other`: callers can invent any number, and each would create a time
/// series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

/// Returns the route `GET /metrics` (`OpenMetrics` text format 1.0.0).
pub(crate) fn routes(registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route(
            "/metrics",
            get(move || {
                let mut text = String::new();
                let written = encode(&mut text, &registry);
                std::future::ready(match written {
                    Ok(()) => (
                        [(
                            CONTENT_TYPE,
                            "application/openmetrics-text; version=1.0.0; charset=utf-8",
                        )],
                        text,
                    )
                        .into_response(),
                    Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                })
            }),
        )
        .method_not_allowed_fallback(unknown_method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_one_time_series() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        for method in [
            Method::GET,
            Method::from_bytes(b"EVIL1").unwrap(),
            Method::from_bytes(b"EVIL2").unwrap(),
        ] {
            metrics.record(&method, "/x", StatusCode::OK, Duration::from_millis(1));
        }
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(
            text.contains(r#"http_requests_total{method="GET",route="/x",status="200"} 1"#),
            "{text}"
        );
        assert!(
            text.contains(r#"http_requests_total{method="other",route="/x",status="200"} 2"#),
            "{text}"
        );
    }
}
