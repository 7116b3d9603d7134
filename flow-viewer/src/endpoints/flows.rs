use axum::{Json, extract::State};

use super::LISTED;
use crate::{app::App, flows::Summary};

/// `GET /api/flows`: the newest flows, the newest first.
pub async fn flows(State(app): State<App>) -> Json<Vec<Summary>> {
    Json(app.flows.changed_since(0, LISTED))
}
