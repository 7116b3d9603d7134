use axum::http::StatusCode;
use pages::{Browser, Page, Pages};
use serde::Serialize;

use super::{ShownClient, ShownUser};

/// What a client asks for.
#[derive(Debug, Serialize)]
pub struct ConsentPage<'a> {
    pub client: ShownClient,
    /// The host that the user goes back to.
    pub returns_to: String,
    pub user: ShownUser,
    pub scopes: Vec<ScopeLine<'a>>,
    /// Where the form goes.
    pub action: String,
    /// Where somebody else signs in.
    pub switch_account: String,
    pub csrf: String,
}

/// One thing that is asked for; the text `scope.NAME` says it in plain words.
#[derive(Debug, Serialize)]
pub struct ScopeLine<'a> {
    pub name: &'a str,
    /// It was allowed before.
    pub already: bool,
}

impl ConsentPage<'_> {
    /// `redirect_uri` is where the browser goes after the form: browsers hold that against the page's policy.
    pub fn page(&self, pages: &Pages, browser: &Browser, redirect_uri: &str) -> Page {
        pages.page(browser, StatusCode::OK, "consent", self).form_action(redirect_uri)
    }
}
