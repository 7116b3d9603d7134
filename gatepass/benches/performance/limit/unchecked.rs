use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party};
use oauth_types::AccessTokenClaims;
use prometheus_client::registry::Registry;
use service_kit::{Hosts, Limits, ServiceContext, metrics, with_request_context};

use super::one_response::ResourceResponse;

/// B's handler and layers, without verification.
pub fn unchecked(claims: AccessTokenClaims) -> Router {
    let mut registry = Registry::with_prefix("gatepass");
    let http_metrics = metrics::HttpMetrics::register(&mut registry);
    let (party, events, clock) = (Party::ResourceServer, EventSink::disabled(), Clock::system());
    let context = ServiceContext {
        service: "service-b",
        party,
        events,
        clock,
        http_metrics,
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let app = Router::new().route("/api/resource", get(resource)).with_state(Arc::new(claims));
    with_request_context(app, context)
}

async fn resource(State(claims): State<Arc<AccessTokenClaims>>) -> Json<ResourceResponse> {
    Json(ResourceResponse::of(&claims))
}
