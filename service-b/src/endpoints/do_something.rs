use axum::Json;
use serde::Serialize;
use token_verifier::{Authorized, WholeBody};

use super::{ResourceWrite, TokenClaims};

#[derive(Serialize)]
pub(crate) struct OperationResponse {
    message: &'static str,
    token: TokenClaims,
}

/// Handles `POST /api/do_something`. The body is read, after the token is verified, so that its
/// length is limited.
pub(crate) async fn do_something(
    token: Authorized<ResourceWrite>,
    _: WholeBody,
) -> Json<OperationResponse> {
    Json(OperationResponse { message: "B did something", token: TokenClaims::from(&*token) })
}
