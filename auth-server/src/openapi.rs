use axum::{http::header, response::IntoResponse};

/// `GET /openapi.json`: the shapes of this server. A test holds it against the routes and their
/// real answers.
pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json"))
}
