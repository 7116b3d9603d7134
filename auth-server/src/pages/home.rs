use serde::Serialize;

use super::View;

/// The home page, at the issuer's URL.
#[derive(Clone, Debug, Serialize)]
pub struct HomePage {
    pub issuer: String,
    /// The URL of the account page.
    pub account: String,
    /// The URL of the page for user codes.
    pub device: String,
    /// The path below which the issuer is; empty if it is below none.
    pub path: String,
    pub signed_in_as: Option<String>,
}

impl View for HomePage {
    const TEMPLATE: &'static str = "home";
}
