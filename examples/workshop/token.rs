use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::Key;

/// What this server expects of an access token.
pub struct Expected {
    pub issuer: String,
    pub resource: String,
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
pub struct Claims {
    pub client_id: String,
    #[serde(default)]
    scope: String,
}

impl Claims {
    pub fn has_scope(&self, required: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == required)
    }
}

/// Why a request is rejected (RFC 6750 §3.1).
#[derive(Debug)]
pub enum Rejection {
    InvalidToken(String),
    InsufficientScope,
}

impl Rejection {
    pub fn invalid_token(reason: impl Into<String>) -> Self {
        Self::InvalidToken(reason.into())
    }
}

impl From<jsonwebtoken::errors::Error> for Rejection {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::InvalidToken(error.to_string())
    }
}

/// Verifies an access token with the keys that the issuer publishes.
pub type Verify = fn(&str, &[Key], &Expected) -> Result<Claims, Rejection>;
