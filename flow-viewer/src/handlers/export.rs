use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use pages::Browser;

use super::{NotFoundError, parse_flow_id};
use crate::{
    export::{har, mermaid},
    flows::FlowStore,
};

/// `GET /api/flows/{id}/mermaid`: the flow as a Mermaid sequence diagram, in the language of the
/// browser.
pub async fn mermaid(
    State(flows): State<Arc<FlowStore>>,
    Path(id): Path<String>,
    browser: Browser,
) -> Result<Response, NotFoundError> {
    let details = flows.flow(parse_flow_id(&id)?).ok_or(NotFoundError::UNKNOWN_FLOW)?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, mermaid::render(&details.flow, browser.language)).into_response())
}

/// `GET /api/flows/{id}/har`: the messages as an HTTP Archive 1.2, which browsers' developer tools
/// can open.
pub async fn har(
    State(flows): State<Arc<FlowStore>>,
    Path(id): Path<String>,
) -> Result<Response, NotFoundError> {
    let details = flows.flow(parse_flow_id(&id)?).ok_or(NotFoundError::UNKNOWN_FLOW)?;
    let file = format!("attachment; filename=\"gatepass-{}.har\"", details.id);
    Ok(([(CONTENT_DISPOSITION, file)], Json(har::render(&details.flow))).into_response())
}
