use std::sync::Arc;

use axum::{Json, extract::State};

use super::MAX_LISTED_FLOWS;
use crate::flows::{FlowStore, FlowSummary};

/// `GET /api/flows`: the newest flows, newest first.
pub async fn list(State(flows): State<Arc<FlowStore>>) -> Json<Vec<FlowSummary>> {
    Json(flows.changed_since(0, MAX_LISTED_FLOWS))
}
