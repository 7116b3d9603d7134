use serde::{Deserialize, Serialize};

use crate::{Control, ControlError};

/// The end of a user's sessions. See [`Control::logout`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Logout {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flaws: Vec<String>,
}

/// What a logout has done.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct LoggedOut {
    /// The `sid` of the sessions that have ended.
    pub sessions: Vec<String>,
    /// The logout tokens that were sent.
    pub deliveries: Vec<LogoutDelivery>,
}

/// A logout token that was sent to a client.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct LogoutDelivery {
    /// The client.
    pub client_id: String,
    /// The session.
    pub sid: String,
    /// Where it was sent.
    pub uri: String,
    /// The status of the client's response, if there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

impl Control {
    /// Ends the sessions of a user, and sends logout tokens to the clients of these sessions.
    ///
    /// # Errors
    /// Returns an error if the user has no session, or if the call fails.
    pub async fn logout(&self, logout: Logout) -> Result<LoggedOut, ControlError> {
        self.post("/control/logouts", &logout).await
    }
}

impl Logout {
    /// All sessions of a user.
    pub fn of(user: impl Into<String>) -> Self {
        Self { user: user.into(), session: None, flaws: Vec::new() }
    }

    /// Only the session with this `sid`.
    pub fn session(mut self, sid: impl Into<String>) -> Self {
        self.session = Some(sid.into());
        self
    }

    /// Makes the logout tokens wrong, such as by `no_events`. The sessions go on then.
    pub fn flaw(mut self, name: impl Into<String>) -> Self {
        self.flaws.push(name.into());
        self
    }
}
