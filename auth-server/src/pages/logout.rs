use serde::Serialize;

use super::{UserView, View};

/// Asks the user to confirm the sign-out. The form sends `decision`, `logout` or `stay`.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutPage {
    /// The name of the client that requests the logout, if known.
    pub client: Option<String>,
    pub user: UserView,
    pub action: String,
    pub csrf: String,
    /// Whether the page is displayed again, because the user has signed in again since.
    pub form_expired: bool,
}

/// Confirms that the user is signed out.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedOutPage {
    pub return_to: Option<ReturnTo>,
}

/// The link back to a client.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnTo {
    pub client: String,
    /// A [`WebLink`](super::WebLink) or a registered post-logout redirect URI.
    pub href: String,
}

impl View for LogoutPage {
    const TEMPLATE: &'static str = "logout";
}

impl View for LoggedOutPage {
    const TEMPLATE: &'static str = "logged_out";
}
