use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};

use crate::{compression::accepts_gzip, page::Asset};

/// `GET /assets/{file}`: the page's scripts, styles and texts.
pub async fn asset(Path(file): Path<String>, request: HeaderMap) -> Response {
    let Some(asset) = Asset::by_name(&file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept-encoding"),
    ];
    if accepts_gzip(&request) {
        return (headers, [(CONTENT_ENCODING, "gzip")], asset.file.gzipped()).into_response();
    }
    (headers, asset.file.text()).into_response()
}
