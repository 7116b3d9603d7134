use axum::{
    Extension,
    extract::{Query, State},
};
use http::StatusCode;
use serde::Deserialize;
use service_kit::RequestId;

use crate::{
    b_client::{Answer, Failure, LegacyWay},
    state::App,
};

/// `?how=basic` (the default) or `?how=query`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    how: Option<LegacyWay>,
}

/// `GET /api/call-b-legacy`: the old way, for contrast. The route exists only with
/// `legacy_secret_demo`.
pub async fn call_b_legacy(
    State(app): State<App>,
    Extension(id): Extension<RequestId>,
    how: Result<Query<How>, axum::extract::rejection::QueryRejection>,
) -> Result<Answer, Failure> {
    let refused =
        |reason: String| Failure::of_request(StatusCode::BAD_REQUEST, reason).in_request(&id);
    let Query(how) = how.map_err(|rejection| refused(rejection.body_text()))?;
    let legacy =
        app.legacy.as_ref().ok_or_else(|| refused("the old way is switched off".to_owned()))?;
    tracing::warn!(
        "A shows its secret to B, as legacy_secret_demo asks: B, and all between, can use it from now on"
    );
    let target = &app.targets.local;
    let answer = app.b.call_with_secret(target, how.how.unwrap_or_default(), legacy).await;
    answer.map_err(|failure| failure.in_request(&id))
}
