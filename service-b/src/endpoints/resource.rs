use axum::Json;
use serde::Serialize;
use token_verifier::Authorized;

use super::{ResourceRead, TokenClaims};

#[derive(Serialize)]
pub(crate) struct ResourceResponse {
    message: &'static str,
    token: TokenClaims,
}

/// Handles `GET /api/resource`, the protected resource.
pub(crate) async fn resource(token: Authorized<ResourceRead>) -> Json<ResourceResponse> {
    let message = "this is B's protected resource";
    Json(ResourceResponse { message, token: TokenClaims::from(&*token) })
}
