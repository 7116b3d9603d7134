use axum::{
    Json,
    extract::{Path, State},
};

use super::{Refusal, flow_id, unknown_flow};
use crate::{app::App, flows::Seen};

/// `GET /api/flows/{id}`: one flow, with everything that is shown of it.
pub async fn flow(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Seen>, Refusal> {
    app.flows.flow(flow_id(&id)?).map(Json).ok_or_else(unknown_flow)
}
