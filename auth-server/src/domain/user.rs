use oauth_types::StandardClaims;

use super::{Attributes, SecretHash};

/// A user account.
#[derive(Clone, Debug)]
pub struct User {
    /// Subject identifier: never changes and is never reassigned (OpenID Connect Core §2).
    pub sub: String,
    /// Name that the user signs in with.
    pub username: String,
    pub password: SecretHash,
    pub claims: StandardClaims,
    /// What the operator records about the user, for custom claims.
    pub attributes: Attributes,
    pub enabled: bool,
    /// Changes when the user's known devices are forgotten: with a new password, at a sign-out by
    /// an operator, and when the user is disabled.
    pub device_generation: i64,
}

impl User {
    /// Returns the name that pages address the user with.
    pub fn display_name(&self) -> &str {
        let StandardClaims { nickname, name, .. } = &self.claims;
        nickname.as_deref().or(name.as_deref()).unwrap_or(&self.username)
    }
}
