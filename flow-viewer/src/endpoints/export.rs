use axum::{
    Json,
    extract::{Path, State},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{Refusal, flow_id, unknown_flow};
use crate::{
    app::App,
    export::{har, mermaid},
};

/// `GET /api/flows/{id}/mermaid`: the picture as Mermaid draws it.
pub async fn mermaid(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let seen = app.flows.flow(flow_id(&id)?).ok_or_else(unknown_flow)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], mermaid::of(&seen.flow)).into_response())
}

/// `GET /api/flows/{id}/har`: the messages as an HTTP Archive 1.2, which the tools of browsers
/// open.
pub async fn har(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let seen = app.flows.flow(flow_id(&id)?).ok_or_else(unknown_flow)?;
    let name = format!("attachment; filename=\"gatepass-{}.har\"", seen.id);
    Ok(([(CONTENT_DISPOSITION, name)], Json(har::of(&seen.flow))).into_response())
}
