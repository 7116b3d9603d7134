//! One file an endpoint.

pub mod assets;
pub mod events;
pub mod export;
pub mod flow;
pub mod flows;
pub mod live;
pub mod page;
pub mod places;
pub mod secrets;
pub mod stories;

use axum::{Json, http::StatusCode};
use flow_events::TraceId;
use serde_json::{Value, json};

/// So many flows are listed, and told of to whoever watches.
const LISTED: usize = 100;

/// A no, as the other servers write theirs.
type Refusal = (StatusCode, Json<Value>);

fn refusal(status: StatusCode, error: &str, description: &str) -> Refusal {
    (status, Json(json!({ "error": error, "error_description": description })))
}

fn unknown_flow() -> Refusal {
    refusal(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is no such flow any more; old ones make room for new ones",
    )
}

/// The name of a flow in a path.
fn flow_id(text: &str) -> Result<TraceId, Refusal> {
    serde_json::from_value(Value::from(text)).map_err(|_| unknown_flow())
}
