use axum::{Json, extract::State};

use crate::{app::App, flows::Summary};

/// So many flows are listed.
pub const LISTED: usize = 100;

/// `GET /api/flows`: the newest flows, the newest first.
pub async fn flows(State(app): State<App>) -> Json<Vec<Summary>> {
    Json(app.flows.changed_since(0, LISTED))
}
