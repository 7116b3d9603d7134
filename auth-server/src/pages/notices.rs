use axum::http::StatusCode;
use pages::{Browser, Page, Pages};
use serde::Serialize;

use super::ShownUser;

/// Something did not go as it should. The texts `error.KIND.title`, `error.KIND.text` and `error.KIND.next` say what
/// happened and what to do.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    /// `bad_request`, `foreign_form` or `unavailable`.
    pub kind: &'static str,
    /// For whoever built the client.
    pub detail: Option<String>,
}

/// Does the user want to sign out?
#[derive(Debug, Serialize)]
pub struct LogoutPage {
    pub user: ShownUser,
    /// Where the form goes.
    pub action: String,
    pub csrf: String,
}

/// Nobody is signed in here any more.
#[derive(Debug, Serialize)]
pub struct LoggedOutPage {}

/// What this server is.
#[derive(Debug, Serialize)]
pub struct HomePage<'a> {
    pub issuer: &'a str,
}

impl ErrorPage {
    pub fn page(&self, pages: &Pages, browser: &Browser, status: StatusCode) -> Page {
        pages.page(browser, status, "error", self)
    }
}

impl LogoutPage {
    /// `destination` is where the browser goes after the form.
    pub fn page(&self, pages: &Pages, browser: &Browser, destination: Option<&str>) -> Page {
        pages.page(browser, StatusCode::OK, "logout", self).form_action(destination.unwrap_or_default())
    }
}

impl LoggedOutPage {
    pub fn page(&self, pages: &Pages, browser: &Browser) -> Page {
        pages.page(browser, StatusCode::OK, "logged_out", self)
    }
}

impl HomePage<'_> {
    pub fn page(&self, pages: &Pages, browser: &Browser) -> Page {
        pages.page(browser, StatusCode::OK, "home", self)
    }
}
