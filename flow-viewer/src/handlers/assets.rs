use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};

use crate::page::Asset;

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

/// Whether a request lists gzip, with a weight above 0 (RFC 9110 §12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(";q=").unwrap_or((coding, "1"));
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.trim().parse().is_ok_and(|weight: f32| weight > 0.0)
    })
}
