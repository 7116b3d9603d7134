use oauth_types::StandardClaims;

use super::SecretHash;

/// A person with an account here.
#[derive(Clone, Debug)]
pub struct User {
    /// The name that clients know, which never changes and is given to nobody else (OpenID Connect
    /// Core §2).
    pub sub: String,
    /// The name that the person signs in with.
    pub username: String,
    pub password: SecretHash,
    pub claims: StandardClaims,
    pub enabled: bool,
}

impl User {
    /// How pages call them.
    pub fn display_name(&self) -> &str {
        let StandardClaims { nickname, name, .. } = &self.claims;
        nickname.as_deref().or(name.as_deref()).unwrap_or(&self.username)
    }
}
