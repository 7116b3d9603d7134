use axum::http::StatusCode;
use pages::{Browser, Page, Pages};
use serde::Serialize;

use super::ShownClient;

/// Name and password.
#[derive(Debug, Serialize)]
pub struct LoginPage<'a> {
    /// The client that waits; none for the account page.
    pub client: Option<ShownClient>,
    /// Where the form goes.
    pub action: String,
    pub csrf: String,
    /// What stands in the user name's field.
    pub username: &'a str,
    pub problem: Option<LoginProblem>,
    /// Tell the demo's users and their passwords.
    pub demo_hint: bool,
    /// Who is signed in, when the user is to choose an account.
    pub signed_in_as: Option<String>,
}

/// Why the form is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginProblem {
    WrongCredentials,
    TooMany {
        /// In seconds.
        retry_after: u64,
    },
    ExpiredForm,
}

impl LoginPage<'_> {
    /// `destination` is where the browser goes after the form: browsers hold that against the page's policy.
    pub fn page(&self, pages: &Pages, browser: &Browser, status: StatusCode, destination: Option<&str>) -> Page {
        pages.page(browser, status, "login", self).form_action(destination.unwrap_or_default())
    }
}
