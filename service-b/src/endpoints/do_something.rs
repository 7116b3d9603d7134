use axum::Json;
use serde::Serialize;
use token_verifier::{Pass, WholeBody};

use super::{Caller, ResourceWrite};

#[derive(Serialize)]
pub(crate) struct Answer {
    message: &'static str,
    pass: Caller,
}

/// `POST /api/do_something`: the document's operation, now with a pass instead of a password. The
/// body is read, after the pass was found good, for its length to be limited.
pub(crate) async fn do_something(pass: Pass<ResourceWrite>, _: WholeBody) -> Json<Answer> {
    Json(Answer { message: "B did something", pass: Caller::from(&*pass) })
}
