//! Prometheus metrics. Each service has a registry of its own, so that several can live in one
//! process.

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

/// Requests by route, method and status, and how long they took.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<Labels, Counter>,
    seconds: Family<RouteLabel, Histogram, fn() -> Histogram>,
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
    /// Register the HTTP metrics of a service.
    pub fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let seconds =
            Family::<RouteLabel, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0001, 2.5, 12))
            });
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer, in seconds", seconds.clone());
        Self { requests, seconds }
    }

    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels =
            Labels { method: known(method), route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&RouteLabel { route: route.to_owned() })
            .observe(took.as_secs_f64());
    }
}

/// A caller may invent methods without end, and each would be a series of its own.
fn known(method: &Method) -> &'static str {
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

/// `GET /metrics`.
pub fn routes(registry: Registry) -> Router {
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
    fn a_request_is_counted_by_route_and_an_invented_method_is_no_new_series() {
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
