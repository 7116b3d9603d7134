use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use flow_events::FlowEvent;

use super::{NotFoundError, parse_flow_id};
use crate::{flows::FlowStore, json_body::JsonBody};

/// `POST /api/events`: receives the events of another process.
pub async fn receive(
    State(flows): State<Arc<FlowStore>>,
    JsonBody(events): JsonBody<Vec<FlowEvent>>,
) -> StatusCode {
    flows.record(events);
    StatusCode::NO_CONTENT
}

/// `GET /api/flows/{id}/events`: the events of a flow, in the order of their arrival.
pub async fn of_flow(
    State(flows): State<Arc<FlowStore>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<FlowEvent>>, NotFoundError> {
    flows.events(parse_flow_id(&id)?).map(Json).ok_or(NotFoundError::UNKNOWN_FLOW)
}
