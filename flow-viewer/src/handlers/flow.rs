use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};

use super::{NotFoundError, parse_flow_id};
use crate::flows::{FlowDetails, FlowStore};

/// `GET /api/flows/{id}`: one flow with its messages, tokens and secret holders.
pub async fn flow(
    State(flows): State<Arc<FlowStore>>,
    Path(id): Path<String>,
) -> Result<Json<FlowDetails>, NotFoundError> {
    flows.flow(parse_flow_id(&id)?).map(Json).ok_or(NotFoundError::UNKNOWN_FLOW)
}
