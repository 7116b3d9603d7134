use axum::response::{Html, IntoResponse};
use http::header;

const STYLE: &str = include_str!("../../pages/index.css");
/// The page is static, so nothing but its own style needs to be allowed. The hash is that of
/// [`STYLE`].
const POLICY: &str = "default-src 'none'; style-src 'sha256-uPLQEHvfGK9SxrURJaXWVTi3kjVBXH3f1YwDCKEm9xc='; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Handles `GET /`: tells a person who opens B in a browser what B is, in English and Chinese.
pub(crate) async fn index() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, Html(include_str!("../../pages/index.html").replace("{style}", STYLE)))
}
