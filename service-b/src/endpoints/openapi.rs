use std::sync::LazyLock;

use axum::{body::Bytes, http::header, response::IntoResponse};
use embedded_files::embedded_file;

/// Handles `GET /openapi.json`. A test compares the document with the routes and their responses.
pub(crate) async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| embedded_file!("openapi.json").text().into());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}
