use axum::{http::header, response::IntoResponse};

/// Handles `GET /openapi.json`. A test compares the document with the routes and their responses.
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../../openapi.json"))
}
