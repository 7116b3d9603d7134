use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Map, Value};

use super::NotFoundError;
use crate::{
    json_body::JsonBody,
    scenarios::{Scenario, ScenarioInfo, ScenarioResult},
    state::ScenarioPlayer,
};

/// `{}`. A JSON body is required because a form on another site cannot send one.
pub type EmptyObject = Map<String, Value>;

/// `GET /api/scenarios`: the scenarios that can be played.
pub async fn list(
    State(ScenarioPlayer(environment)): State<ScenarioPlayer>,
) -> Json<Vec<ScenarioInfo>> {
    Json(if environment.is_some() { Scenario::list() } else { Vec::new() })
}

/// `POST /api/scenarios/{name}`: plays a scenario and returns the expected and the actual results.
pub async fn play(
    State(ScenarioPlayer(environment)): State<ScenarioPlayer>,
    Path(name): Path<String>,
    _: JsonBody<EmptyObject>,
) -> Result<Json<ScenarioResult>, NotFoundError> {
    let environment = environment
        .ok_or(NotFoundError("scenarios are switched off (setting `scenarios` = false)"))?;
    let scenario = Scenario::by_name(&name)
        .ok_or(NotFoundError("unknown scenario; GET /api/scenarios lists all of them"))?;
    Ok(Json(environment.play(scenario).await))
}
