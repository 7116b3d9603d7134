use serde::Serialize;

use super::{ClientView, ResourceView, ScopeView, UserView, View};

/// Asks the user for consent. The form sends `shown_claims`, and `decision`, `allow` or `deny`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentPage {
    pub client: ClientView,
    /// The host of the redirect URI. Name and logo can imitate another client, the host cannot.
    pub returns_to: String,
    pub user: UserView,
    pub scopes: Vec<ScopeView>,
    /// Where the client can use the access, in addition to this server.
    pub resources: Vec<ResourceView>,
    /// Names of claims that the client requests one by one.
    pub claims: Vec<String>,
    /// The claims that the operator defines and that the page names, as the form sends them back.
    pub shown_claims: String,
    pub action: String,
    pub csrf: String,
    /// The URL to sign in as another user.
    pub switch_account: String,
    /// Whether the page is displayed again, because the user has signed in again since, or it named
    /// other claims.
    pub form_expired: bool,
}

impl View for ConsentPage {
    const TEMPLATE: &'static str = "consent";
}
