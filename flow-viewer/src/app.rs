//! Every route of the viewer on one page, and what they share.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use service_kit::CancellationToken;

use crate::{
    endpoints::{assets, events, export, flow, flows, live, page, places, secrets, stories},
    flows::Flows,
    stories::World,
};

/// The largest batch of events: a process sends at most 256 at once.
const EVENTS_BYTES: usize = 2 * 1024 * 1024;

/// What the endpoints share.
#[derive(Clone)]
pub struct App {
    pub flows: Arc<Flows>,
    /// Present where stories are played.
    pub world: Option<Arc<World>>,
    /// Where a person's browser begins a login.
    pub login: Arc<str>,
    /// Ends the pages' live streams, which would hold up a stop.
    pub ending: CancellationToken,
}

/// Every route.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/flows/{id}", get(page::page))
        .route("/assets/{file}", get(assets::assets))
        .route("/api/events", post(events::take).layer(DefaultBodyLimit::max(EVENTS_BYTES)))
        .route("/api/flows", get(flows::flows))
        .route("/api/flows/{id}", get(flow::flow))
        .route("/api/flows/{id}/events", get(events::of_flow))
        .route("/api/flows/{id}/mermaid", get(export::mermaid))
        .route("/api/flows/{id}/har", get(export::har))
        .route("/api/live", get(live::live))
        .route("/api/places", get(places::places))
        .route("/api/secrets", get(secrets::secrets))
        .route("/api/stories", get(stories::list))
        .route("/api/stories/{name}", post(stories::play))
        .with_state(app)
}
