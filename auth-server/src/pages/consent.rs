use serde::Serialize;

use super::{Shown, ShownClient, ShownScope, ShownUser};

/// Asks whether a client may have what it asks for. The form sends `decision`, `allow` or `deny`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentPage {
    pub client: ShownClient,
    /// The host of the redirect URI: a name and a logo can be borrowed, this cannot.
    pub returns_to: String,
    pub user: ShownUser,
    pub scopes: Vec<ShownScope>,
    pub action: String,
    pub csrf: String,
    /// Where somebody else may sign in.
    pub switch_account: String,
}

impl Shown for ConsentPage {
    const TEMPLATE: &'static str = "consent";
}
