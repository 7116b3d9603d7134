use serde::{Deserialize, Serialize};

use crate::{Control, ControlError};

/// What to revoke. See [`Control::revoke`].
#[derive(Clone, Debug, Default, Serialize)]
#[must_use]
pub struct Revocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// What was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Revoked {
    /// The `jti` of access tokens that were revoked by themselves.
    pub tokens: Vec<String>,
    /// Ids of grants, whose tokens and codes are all revoked.
    pub grants: Vec<String>,
    /// The `sid` of sessions that have ended.
    pub sessions: Vec<String>,
}

impl Control {
    /// Revokes a token, a grant, a session, or what a client or a user has.
    ///
    /// # Errors
    /// Returns an error if what is named does not exist, or if the call fails.
    pub async fn revoke(&self, revocation: Revocation) -> Result<Revoked, ControlError> {
        self.post("/control/revocations", &revocation).await
    }
}

impl Revocation {
    /// An access token, or a refresh token with its grant.
    pub fn token(token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..Self::default() }
    }

    /// The grant of a token or code, with all its tokens.
    pub fn grant_of(credential: impl Into<String>) -> Self {
        Self { grant: Some(credential.into()), ..Self::default() }
    }

    /// The session with this `sid`.
    pub fn session(sid: impl Into<String>) -> Self {
        Self { session: Some(sid.into()), ..Self::default() }
    }

    /// All tokens of a client.
    pub fn client(client_id: impl Into<String>) -> Self {
        Self { client_id: Some(client_id.into()), ..Self::default() }
    }

    /// All grants and sessions of a user.
    pub fn user(name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), ..Self::default() }
    }

    /// All grants of a user at one client.
    pub fn user_at(name: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self { client_id: Some(client_id.into()), ..Self::user(name) }
    }
}
