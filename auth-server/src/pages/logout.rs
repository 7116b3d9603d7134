use serde::Serialize;

use super::{Shown, ShownUser, WebLink};

/// Asks whether to sign out. The form sends `decision`, `logout` or `stay`.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutPage {
    /// The name of the client that asks, if it is known.
    pub client: Option<String>,
    pub user: ShownUser,
    pub action: String,
    pub csrf: String,
}

/// Says that somebody is signed out.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedOutPage {
    pub return_to: Option<ReturnTo>,
}

/// A way back to a client.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnTo {
    pub client: String,
    pub href: WebLink,
}

impl Shown for LogoutPage {
    const TEMPLATE: &'static str = "logout";
}

impl Shown for LoggedOutPage {
    const TEMPLATE: &'static str = "logged_out";
}
