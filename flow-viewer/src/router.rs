//! Every route of the viewer.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn,
    routing::{get, post},
};
use service_kit::require_same_origin;

use crate::{
    handlers::{
        assets, config, events, export, flow, flows, live, page, scenarios, secret_holders,
    },
    state::AppState,
};

/// The largest accepted batch of events, in bytes. A process sends at most 256 events at once.
const MAX_EVENTS_BYTES: usize = 2 * 1024 * 1024;

/// Builds the router with every route.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/flows", get(page::page))
        .route("/flows/{id}", get(page::page))
        .route("/assets/{file}", get(assets::asset))
        .route("/api/config", get(config::config))
        .route("/api/events", post(events::receive).layer(DefaultBodyLimit::max(MAX_EVENTS_BYTES)))
        .route("/api/flows", get(flows::list))
        .route("/api/flows/{id}", get(flow::flow))
        .route("/api/flows/{id}/events", get(events::of_flow))
        .route("/api/flows/{id}/mermaid", get(export::mermaid))
        .route("/api/flows/{id}/har", get(export::har))
        .route("/api/live", get(live::live))
        .route("/api/scenarios", get(scenarios::list))
        .route("/api/scenarios/{name}", post(scenarios::play))
        .route("/api/secret-holders", get(secret_holders::secret_holders))
        .route_layer(from_fn(require_same_origin))
        .with_state(state)
}
