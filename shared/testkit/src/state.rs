use serde::Deserialize;

use crate::{Control, ControlError};

/// The state of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ServerState {
    /// The name of the issuer: `default`, or that of the seed.
    pub name: String,
    /// The issuer identifier.
    pub issuer: String,
    /// All issuers of the server, `default` first.
    pub issuers: Vec<IssuerName>,
    /// The version of the server.
    pub version: String,
    /// Its time, in seconds since 1970.
    pub now: i64,
    /// By how many seconds its clock is ahead of the system time.
    pub offset: i64,
    /// Whether its clock stands still.
    pub frozen: bool,
    /// The number of users.
    pub users: usize,
    /// The number of clients.
    pub clients: usize,
    /// The number of resources.
    pub resources: usize,
    /// The signing keys, ordered by `kid`.
    pub keys: Vec<KeySummary>,
    /// The rules that the server does not apply, by name.
    pub looseness: Vec<String>,
}

/// An issuer of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct IssuerName {
    /// Its name.
    pub name: String,
    /// The issuer identifier.
    pub issuer: String,
}

/// A signing key, without its private part.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct KeySummary {
    /// The key id.
    pub kid: String,
    /// The algorithm, such as `ES256`.
    pub algorithm: String,
    /// `current` if it signs, `next` if it will, `retired` if it is only published.
    pub state: String,
}

impl Control {
    /// Returns the state of the server.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn state(&self) -> Result<ServerState, ControlError> {
        self.get("/control").await
    }
}
