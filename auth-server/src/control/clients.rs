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
use crate::{http::NO_STORE, seed::Entries};

/// `GET /control/clients/{client_id}`: returns a client of the seed.
pub async fn client(
    State(context): State<Arc<ControlContext>>,
    PathName(id): PathName,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(entry(&context, Entries::Clients, &id).await?)))
}

/// `PUT /control/clients/{client_id}`: adds or replaces a client. The body has the members
/// of `[[clients]]`.
pub async fn put_client(
    State(context): State<Arc<ControlContext>>,
    PathName(id): PathName,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(put_entry(&context, Entries::Clients, &id, body).await?)))
}

/// `DELETE /control/clients/{client_id}`: removes a client and revokes its grants.
pub async fn delete_client(
    State(context): State<Arc<ControlContext>>,
    PathName(id): PathName,
) -> Result<impl IntoResponse, ControlError> {
    delete_entry(&context, Entries::Clients, &id).await?;
    Ok((StatusCode::NO_CONTENT, NO_STORE))
}
