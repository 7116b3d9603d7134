//! `/control/faults`: responses that go wrong.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;

use super::{
    context::ControlContext,
    error::ControlError,
    json_body::JsonBody,
    path_name::PathName,
    traffic::{Fault, TooManyFaults},
};
use crate::http::NO_STORE;

#[derive(Serialize)]
struct AddedFault {
    id: u64,
    /// How often it applies; unset means until it is deleted.
    remaining: Option<u32>,
}

#[derive(Serialize)]
struct FaultList {
    faults: Vec<Fault>,
}

/// `POST /control/faults`
pub async fn add(
    State(context): State<Arc<ControlContext>>,
    JsonBody(fault): JsonBody<Fault>,
) -> Result<impl IntoResponse, ControlError> {
    fault.check(context.longest_wait)?;
    let Fault { id, remaining, .. } =
        context.traffic.faults.add(fault).map_err(|TooManyFaults| {
            ControlError::invalid("there are already 100 faults; delete some")
        })?;
    Ok((StatusCode::CREATED, NO_STORE, Json(AddedFault { id, remaining })))
}

/// `GET /control/faults`
pub async fn list(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    (NO_STORE, Json(FaultList { faults: context.traffic.faults.all() }))
}

/// `DELETE /control/faults`
pub async fn delete_all(State(context): State<Arc<ControlContext>>) -> StatusCode {
    context.traffic.faults.clear();
    StatusCode::NO_CONTENT
}

/// `DELETE /control/faults/{id}`
pub async fn delete_one(
    State(context): State<Arc<ControlContext>>,
    PathName(id): PathName,
) -> Result<StatusCode, ControlError> {
    match id.parse().is_ok_and(|id| context.traffic.faults.remove(id)) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ControlError::not_found("unknown_fault", format!("there is no fault `{id}`"))),
    }
}
