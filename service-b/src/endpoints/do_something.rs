use axum::Json;
use serde::Serialize;
use token_verifier::{Authorized, WholeBody};

use super::{ResourceWrite, TokenClaims};

#[derive(Serialize)]
pub(crate) struct Answer {
    message: &'static str,
    token: TokenClaims,
}

/// `POST /api/do_something`: the document's operation, now with a pass instead of a password. The
/// body is read, after the pass was found good, for its length to be limited.
pub(crate) async fn do_something(token: Authorized<ResourceWrite>, _: WholeBody) -> Json<Answer> {
    Json(Answer { message: "B did something", token: TokenClaims::from(&*token) })
}
