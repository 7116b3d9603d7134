use serde::Serialize;

use super::Shown;

/// What this server is, for a person who opened the issuer's address.
#[derive(Clone, Debug, Serialize)]
pub struct HomePage {
    pub issuer: String,
    /// Where the account page is.
    pub account: String,
    /// Where a device's code is entered.
    pub device: String,
    pub signed_in_as: Option<String>,
}

impl Shown for HomePage {
    const TEMPLATE: &'static str = "home";
}
