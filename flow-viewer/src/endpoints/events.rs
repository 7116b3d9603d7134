use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use flow_events::FlowEvent;

use super::{Refusal, flow_id, unknown_flow};
use crate::app::App;

/// `POST /api/events`: what another process saw. JSON alone is taken, which no page of another site
/// can send by itself.
pub async fn take(State(app): State<App>, Json(events): Json<Vec<FlowEvent>>) -> StatusCode {
    app.flows.take(events);
    StatusCode::NO_CONTENT
}

/// `GET /api/flows/{id}/events`: the events of a flow as they came.
pub async fn of_flow(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<FlowEvent>>, Refusal> {
    app.flows.events(flow_id(&id)?).map(Json).ok_or_else(unknown_flow)
}
