use axum::http::StatusCode;
use pages::{Browser, Page, Pages};
use serde::Serialize;

use super::ShownUser;

/// Where the user is signed in, and what they have allowed.
#[derive(Debug, Serialize)]
pub struct AccountPage {
    pub user: ShownUser,
    pub sessions: Vec<SessionLine>,
    pub consents: Vec<ConsentLine>,
    pub csrf: String,
}

/// A browser in which the user is signed in. Its form goes to `/account/end-session` with `session` and `csrf`.
#[derive(Debug, Serialize)]
pub struct SessionLine {
    pub id: String,
    /// The `User-Agent`, as it came.
    pub browser: String,
    pub address: String,
    /// In seconds since 1970.
    pub since: i64,
    /// In seconds since 1970.
    pub last_seen: i64,
    /// It is this very browser.
    pub current: bool,
    /// The clients that took part.
    pub apps: Vec<String>,
}

/// What a client may do. Its form goes to `/account/withdraw-consent` with `client_id` and `csrf`.
#[derive(Debug, Serialize)]
pub struct ConsentLine {
    pub client_id: String,
    pub client_name: String,
    pub scopes: Vec<String>,
    /// In seconds since 1970.
    pub since: i64,
}

impl AccountPage {
    pub fn page(&self, pages: &Pages, browser: &Browser) -> Page {
        pages.page(browser, StatusCode::OK, "account", self)
    }
}
