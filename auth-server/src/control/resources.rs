use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    context::ControlContext,
    entries::{delete_entry, entry, put_entry},
    error::ControlError,
    json_body::JsonBody,
};
use crate::{http::NO_STORE, seed::Entries};

/// The query that names a resource. Its identifier is a URL, which no path can hold.
#[derive(Deserialize)]
pub struct Named {
    identifier: String,
}

type NamedQuery = Result<Query<Named>, QueryRejection>;

/// `GET /control/resources?identifier=`: returns a resource of the seed.
pub async fn resource(
    State(context): State<Arc<ControlContext>>,
    named: NamedQuery,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(entry(&context, Entries::Resources, &identifier(named)?).await?)))
}

/// `PUT /control/resources?identifier=`: adds or replaces a resource. The body has the
/// members of `[[resources]]`.
pub async fn put_resource(
    State(context): State<Arc<ControlContext>>,
    named: NamedQuery,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<impl IntoResponse, ControlError> {
    Ok((NO_STORE, Json(put_entry(&context, Entries::Resources, &identifier(named)?, body).await?)))
}

/// `DELETE /control/resources?identifier=`: removes a resource.
pub async fn delete_resource(
    State(context): State<Arc<ControlContext>>,
    named: NamedQuery,
) -> Result<impl IntoResponse, ControlError> {
    delete_entry(&context, Entries::Resources, &identifier(named)?).await?;
    Ok((StatusCode::NO_CONTENT, NO_STORE))
}

fn identifier(named: NamedQuery) -> Result<String, ControlError> {
    let named = named.map_err(|_| {
        ControlError::invalid("the query names no resource").expecting("identifier, exactly once")
    })?;
    Ok(named.0.identifier)
}
