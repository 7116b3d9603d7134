use aws_lc_rs::digest;
use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_STANDARD};
use pages::{Browser, Page, Pages};
use serde::Serialize;

/// Sends the form by itself; without JavaScript its button does.
const SCRIPT: &str = "document.forms[0].submit()";

/// A form that carries the answer to the client (OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Serialize)]
pub struct FormPostPage<'a> {
    /// The client's redirect URI.
    pub action: &'a str,
    /// Names and values.
    pub fields: &'a [(&'a str, String)],
    script: &'static str,
}

impl<'a> FormPostPage<'a> {
    pub fn new(action: &'a str, fields: &'a [(&'a str, String)]) -> Self {
        Self { action, fields, script: SCRIPT }
    }

    pub fn page(&self, pages: &Pages, browser: &Browser) -> Page {
        let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
        pages.page(browser, StatusCode::OK, "form_post", self).form_action(self.action).script_hash(&hash)
    }
}
