use serde::Serialize;

use super::{Shown, ShownClient};

/// Asks who somebody is. The form sends `username` and `password`, or `cancel`, or `continue`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginPage {
    /// The client that waits; none for the account page.
    pub client: Option<ShownClient>,
    pub action: String,
    pub csrf: String,
    /// What is already in the field: a `login_hint`, or what was typed before.
    pub username: String,
    pub problem: Option<LoginProblem>,
    /// Show the demo's users and passwords.
    pub demo_hint: bool,
    /// Who may go on without a password (`prompt=select_account`).
    pub signed_in_as: Option<String>,
}

/// Why the page is shown again. Whether the account exists is never a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginProblem {
    WrongCredentials,
    TooMany {
        /// Seconds.
        retry_after: u64,
    },
    ExpiredForm,
    NoCookies,
}

impl Shown for LoginPage {
    const TEMPLATE: &'static str = "login";
}
