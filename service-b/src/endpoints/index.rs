use axum::response::{Html, IntoResponse};
use http::header;
use pages::{Browser, Language};

const STYLE: &str = include_str!("../../pages/index.css");
/// The page is static, so nothing but its own style needs to be allowed. The hash is that of
/// [`STYLE`].
const POLICY: &str = "default-src 'none'; style-src 'sha256-mqUsmVfhVpUiFOmlIhNPB+cFSCX+a3IMg9kZ2bq+5D4='; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Handles `GET /`: tells a person who opens B in a browser what B is, in the language of the
/// browser.
pub(crate) async fn index(browser: Browser) -> impl IntoResponse {
    let page = match browser.language {
        Language::English => include_str!("../../pages/index.en.html"),
        Language::Chinese => include_str!("../../pages/index.zh.html"),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (header::CONTENT_LANGUAGE, browser.language.code()),
        (header::VARY, "accept-language, cookie"),
    ];
    (headers, Html(page.replace("{style}", STYLE)))
}
