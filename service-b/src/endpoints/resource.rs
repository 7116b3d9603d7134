use axum::Json;
use serde::Serialize;
use token_verifier::Pass;

use super::{Caller, ResourceRead};

#[derive(Serialize)]
pub(crate) struct Answer {
    message: &'static str,
    pass: Caller,
}

/// `GET /api/resource`: the document's protected resource.
pub(crate) async fn resource(pass: Pass<ResourceRead>) -> Json<Answer> {
    Json(Answer { message: "this is B's protected resource", pass: Caller::from(&*pass) })
}
