use axum::Json;
use serde::Serialize;
use token_verifier::Authorized;

use super::{ResourceRead, TokenClaims};

#[derive(Serialize)]
pub(crate) struct Answer {
    message: &'static str,
    token: TokenClaims,
}

/// `GET /api/resource`: the document's protected resource.
pub(crate) async fn resource(token: Authorized<ResourceRead>) -> Json<Answer> {
    Json(Answer { message: "this is B's protected resource", token: TokenClaims::from(&*token) })
}
