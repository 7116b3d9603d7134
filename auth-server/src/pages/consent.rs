use serde::Serialize;

use super::{ClientView, ResourceView, ScopeView, UserView, View};

/// Asks the user for consent. The form sends `decision`, `allow` or `deny`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentPage {
    pub client: ClientView,
    /// The host of the redirect URI. Name and logo can imitate another client, the host cannot.
    pub returns_to: String,
    pub user: UserView,
    pub scopes: Vec<ScopeView>,
    /// Where the client can use the access, in addition to this server.
    pub resources: Vec<ResourceView>,
    pub action: String,
    pub csrf: String,
    /// The URL to sign in as another user.
    pub switch_account: String,
}

impl View for ConsentPage {
    const TEMPLATE: &'static str = "consent";
}
