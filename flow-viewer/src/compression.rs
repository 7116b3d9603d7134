//! Compression of responses.

use axum::{
    http::{
        HeaderMap,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY},
    },
    response::{IntoResponse, Response},
};
use embedded_files::gzip;

/// Returns a text as the body of a response, compressed if the request accepts it.
pub fn compressed(text: String, request: &HeaderMap) -> Response {
    let vary = [(VARY, "accept-encoding")];
    match accepts_gzip(request).then(|| gzip(&text)) {
        Some(Ok(bytes)) => (vary, [(CONTENT_ENCODING, "gzip")], bytes).into_response(),
        _ => (vary, text).into_response(),
    }
}

/// Whether a request lists gzip, with a weight above 0 (RFC 9110 §12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(";q=").unwrap_or((coding, "1"));
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.trim().parse().is_ok_and(|weight: f32| weight > 0.0)
    })
}
