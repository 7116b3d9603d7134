use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
};
use http::StatusCode;
use serde::Deserialize;
use service_kit::RequestId;

use super::error::ApiError;
use crate::{
    b_client::{BClient, BResponse, LegacyCredentials, LegacyVariant},
    settings::Targets,
};

/// `?how=basic` (the default) or `?how=query`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantQuery {
    how: Option<LegacyVariant>,
}

/// `GET /api/call-b-legacy`: sends A's secret to B, as a contrast to access tokens. The route
/// exists only with `legacy_secret_demo`.
pub async fn call_b_legacy(
    State(b_client): State<Arc<BClient>>,
    State(targets): State<Arc<Targets>>,
    State(credentials): State<Option<Arc<LegacyCredentials>>>,
    Extension(id): Extension<RequestId>,
    query: Result<Query<VariantQuery>, QueryRejection>,
) -> Result<BResponse, ApiError> {
    let invalid = |reason| ApiError::invalid_request(StatusCode::BAD_REQUEST, reason, &id);
    let Query(query) =
        query.map_err(|_| invalid("the query takes `how` (basic or query), once".to_owned()))?;
    let credentials = credentials.ok_or_else(|| {
        invalid("disabled; set `legacy_secret_demo = true` to enable it".to_owned())
    })?;
    tracing::warn!(
        "sending A's secret to B (legacy_secret_demo); B and every intermediary can now use it"
    );
    let variant = query.how.unwrap_or_default();
    let response = b_client.call_with_secret(&targets.local, variant, &credentials).await;
    response.map_err(|error| ApiError::new(error, &id))
}
