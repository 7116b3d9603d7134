use axum::{http::header, response::IntoResponse};

/// `GET /openapi.json`: the OpenAPI document of C. A test compares it with the routes and with real
/// responses.
pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json"))
}
