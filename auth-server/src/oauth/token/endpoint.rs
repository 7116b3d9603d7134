use axum::{Json, extract::State, response::IntoResponse};

use super::issue_or_refuse;
use crate::http::FormRequest;
use crate::{
    http::{ClientAddress, Failure, NO_STORE},
    state::App,
};

/// `POST /oauth/token` (RFC 6749 §3.2): a client shows who it is, and what it has; and gets a pass.
pub async fn token(
    State(app): State<App>,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let answer = issue_or_refuse(&app, address, request).await?;
    Ok((NO_STORE, Json(answer)))
}
