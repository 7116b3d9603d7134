//! The roles of the demo's users, as a claim in access tokens.

use auth_server::domain::{ClaimSource, ClaimTarget, CustomClaim};

use super::StackSettings;

impl StackSettings {
    /// Adds the claim `roles`, which B's `/api/admin` demands. A clients file of the operator may
    /// not have its scope, and then C would refuse the claim.
    pub(super) fn add_roles(&mut self) {
        if self.auth_server.clients_file.is_some() || !self.auth_server.claims.is_empty() {
            return;
        }
        self.auth_server.claims = vec![demo_roles()];
    }
}

/// Returns the claim with the roles of the demo's users.
#[must_use]
pub fn demo_roles() -> CustomClaim {
    CustomClaim {
        name: "roles".to_owned(),
        from: ClaimSource::Attribute("user.roles".to_owned()),
        targets: vec![ClaimTarget::AccessToken, ClaimTarget::Introspection],
        scope: Some("resource:read".to_owned()),
        resource: None,
    }
}
