use std::sync::LazyLock;

use axum::{body::Bytes, http::header, response::IntoResponse};
use embedded_files::embedded_file;

/// `GET /openapi.json`: the OpenAPI document of A. Tests compare it with the routes and with real
/// responses.
pub async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| embedded_file!("openapi.json").text().into());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}
