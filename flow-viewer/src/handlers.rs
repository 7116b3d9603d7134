//! The request handlers, one file per endpoint.

pub mod assets;
pub mod config;
pub mod events;
pub mod export;
pub mod flow;
pub mod flows;
pub mod live;
pub mod page;
pub mod scenarios;
pub mod secret_holders;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use flow_events::TraceId;
use serde_json::{Value, json};

/// The most flows that a list holds.
const MAX_LISTED_FLOWS: usize = 100;

/// A 404 response, in the JSON shape of an OAuth error.
#[derive(Debug)]
pub struct NotFoundError(&'static str);

impl NotFoundError {
    const UNKNOWN_FLOW: Self =
        Self("flow not found; it may have been removed to make room for newer ones");
}

impl IntoResponse for NotFoundError {
    fn into_response(self) -> Response {
        let body = json!({ "error": "not_found", "error_description": self.0 });
        (StatusCode::NOT_FOUND, Json(body)).into_response()
    }
}

/// Parses the flow id in a path.
fn parse_flow_id(text: &str) -> Result<TraceId, NotFoundError> {
    serde_json::from_value(Value::from(text)).map_err(|_| NotFoundError::UNKNOWN_FLOW)
}
