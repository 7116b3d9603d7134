use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// A no that is said before any endpoint is asked, in the shape of all errors.
pub(crate) fn refusal(status: StatusCode, description: &str) -> Response {
    let body = serde_json::json!({ "error": "invalid_request", "error_description": description });
    (status, Json(body)).into_response()
}

/// The path is not told back: a careless caller puts secrets there.
pub(crate) async fn unknown_path() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is nothing at this path; /openapi.json tells what there is")
}

pub(crate) async fn unknown_method() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "this path is not for this method; the header Allow tells which it is for")
}
