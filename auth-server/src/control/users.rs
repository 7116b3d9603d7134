use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::{Map, Value};

use super::{
    context::ControlContext,
    entries::{delete_entry, entry, put_entry},
    error::ControlError,
    json_body::JsonBody,
    path_name::PathName,
};
use crate::{domain::normalize_username, http::NO_STORE, seed::Entries};

/// `GET /control/users/{username}`: returns a user of the seed.
pub async fn user(
    State(context): State<Arc<ControlContext>>,
    PathName(name): PathName,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(entry(&context, Entries::Users, &normalized(&name)?).await?)))
}

/// `PUT /control/users/{username}`: adds or replaces a user. The body has the members of
/// `[[users]]`.
pub async fn put_user(
    State(context): State<Arc<ControlContext>>,
    PathName(name): PathName,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(put_entry(&context, Entries::Users, &normalized(&name)?, body).await?)))
}

/// `DELETE /control/users/{username}`: removes a user with their
/// sessions and grants.
pub async fn delete_user(
    State(context): State<Arc<ControlContext>>,
    PathName(name): PathName,
) -> Result<impl IntoResponse, ControlError> {
    delete_entry(&context, Entries::Users, &normalized(&name)?).await?;
    Ok((StatusCode::NO_CONTENT, NO_STORE))
}

/// Returns the name as it signs in: `Alice` and `alice` are one user.
fn normalized(name: &str) -> Result<String, ControlError> {
    normalize_username(name).map_err(|error| ControlError::invalid(error.to_string()))
}
