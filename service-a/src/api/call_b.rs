use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
};
use http::{Method, StatusCode};
use serde::Deserialize;
use service_kit::RequestId;

use super::error::ApiError;
use crate::{
    b_client::{BClient, BRequest, BResponse, LegacyCredentials},
    settings::{Target, Targets},
};

/// `?target=local` (the default) or `?target=introspection`, and `fresh=true` for a new access
/// token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetQuery {
    target: Option<String>,
    #[serde(default)]
    fresh: bool,
}

/// `GET /api/call-b`: reads B's resource and forwards B's response.
///
/// `fresh` counts with `legacy_secret_demo` only, where lessons show all steps of a call: elsewhere
/// a caller could make A request tokens without end.
pub async fn read(
    State(b_client): State<Arc<BClient>>,
    State(targets): State<Arc<Targets>>,
    State(demo): State<Option<Arc<LegacyCredentials>>>,
    Extension(id): Extension<RequestId>,
    query: Result<Query<TargetQuery>, QueryRejection>,
) -> Result<BResponse, ApiError> {
    let is_fresh = query.as_ref().is_ok_and(|Query(query)| query.fresh);
    let target = select_target(&targets, query, &id)?;
    if is_fresh && demo.is_some() {
        b_client.forget_token(target);
    }
    let request = BRequest { target, method: Method::GET, path: "/api/resource", body: None };
    b_client.call(&request).await.map_err(|error| ApiError::new(error, &id))
}

/// `POST /api/call-b`: posts the body of the request to B and forwards B's response.
pub async fn write(
    State(b_client): State<Arc<BClient>>,
    State(targets): State<Arc<Targets>>,
    Extension(id): Extension<RequestId>,
    query: Result<Query<TargetQuery>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<BResponse, ApiError> {
    let target = select_target(&targets, query, &id)?;
    let body = body.map_err(|rejection| {
        ApiError::invalid_request(rejection.status(), rejection.body_text(), &id)
    })?;
    let request =
        BRequest { target, method: Method::POST, path: "/api/do_something", body: Some(body) };
    b_client.call(&request).await.map_err(|error| ApiError::new(error, &id))
}

fn select_target<'a>(
    targets: &'a Targets,
    query: Result<Query<TargetQuery>, QueryRejection>,
    id: &RequestId,
) -> Result<&'a Target, ApiError> {
    let invalid = |reason| ApiError::invalid_request(StatusCode::BAD_REQUEST, reason, id);
    let Query(query) = query.map_err(|_| {
        invalid("the query takes `target` and `fresh` (true or false), each once".to_owned())
    })?;
    match query.target.as_deref() {
        None | Some("local") => Ok(&targets.local),
        Some("introspection") => Ok(&targets.introspection),
        Some(_) => Err(invalid("target must be `local` or `introspection`".to_owned())),
    }
}
