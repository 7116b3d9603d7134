use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{context::ControlContext, error::ControlError, json_body::JsonBody};
use crate::{http::NO_STORE, seed::SeedDocument};

/// The custom claims: what `[[claims]]` of the settings holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    claims: Vec<Value>,
}

/// `GET /control/claims`: returns the custom claims.
pub async fn claims(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    let claims = context.seed.current().await.claims().to_vec();
    (NO_STORE, Json(Claims { claims }))
}

/// `PUT /control/claims`: replaces all custom claims.
pub async fn put_claims(
    State(context): State<Arc<ControlContext>>,
    JsonBody(Claims { claims }): JsonBody<Claims>,
) -> Result<impl IntoResponse, ControlError> {
    set(&context, claims.clone()).await?;
    Ok((NO_STORE, Json(Claims { claims })))
}

/// `DELETE /control/claims`: removes all custom claims.
pub async fn delete_claims(
    State(context): State<Arc<ControlContext>>,
) -> Result<impl IntoResponse, ControlError> {
    set(&context, Vec::new()).await?;
    Ok((StatusCode::NO_CONTENT, NO_STORE))
}

async fn set(context: &ControlContext, claims: Vec<Value>) -> Result<(), ControlError> {
    let set = |seed: &mut SeedDocument| {
        seed.set_claims(claims);
        Ok(())
    };
    // The body has its claims where a seed has them.
    context.change_seed(|error| error, set).await?;
    Ok(())
}
