use axum::{http::header, response::IntoResponse};

/// `GET /control/openapi.json`: the OpenAPI document of the control API. Tests compare it with the
/// routes and with real responses.
pub async fn openapi() -> impl IntoResponse {
    const DOCUMENT: &str = include_str!("../../openapi-control.json");
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
