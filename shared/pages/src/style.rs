use aws_lc_rs::digest;
use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::{Pages, files::Files};

/// The stylesheet: the shared one followed by the server's colors.
#[derive(Debug)]
pub(crate) struct Style {
    css: String,
    version: String,
}

impl Style {
    pub fn new(files: &Files) -> Self {
        let css = format!("{}\n{}", files.text_of("style.css"), files.text_of("accent.css"));
        let hash = digest::digest(&digest::SHA256, css.as_bytes());
        let version = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
        Self { css, version }
    }

    /// Returns the URL with a version, so that browsers fetch a changed stylesheet immediately.
    pub fn url(&self) -> String {
        format!("{}?v={}", Pages::STYLE_PATH, self.version)
    }

    /// Cached for a day only: during a rolling update, an old replica may respond to the new
    /// version's URL.
    pub fn response(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=86400"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.css.clone()).into_response()
    }
}
