use serde::Serialize;

use super::{ClientView, UserView, View};

/// The sign-in page. The form sends `username` and `password`, or `cancel`, or `continue`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginPage {
    /// The client that requested the sign-in, or `None` for the account page.
    pub client: Option<ClientView>,
    pub action: String,
    pub csrf: String,
    /// The initial value of the field: `login_hint`, or the previous input.
    pub username: String,
    pub problem: Option<LoginProblem>,
    /// Whether the page displays the demo users and their passwords.
    pub demo_hint: bool,
    /// The users who can sign in by a click. None, unless the server is that loose.
    pub users: Vec<UserView>,
    /// The user who can continue without a password (`prompt=select_account`).
    pub signed_in_as: Option<String>,
}

/// Why the page is displayed again. The reason never reveals whether the account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginProblem {
    WrongCredentials,
    TooMany {
        /// Seconds until the next attempt is possible.
        retry_after: u64,
    },
    ExpiredForm,
    NoCookies,
}

impl View for LoginPage {
    const TEMPLATE: &'static str = "login";
}
