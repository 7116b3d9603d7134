use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use crate::Endpoint;

/// A request that the server received, and how it answered. It holds no secret and no token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// Counts up from 1.
    pub id: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at_millis: i64,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The client, if the request names one.
    pub client_id: Option<String>,
    /// How the client or a user's token was presented: `none`, `client_secret_basic`,
    /// `client_secret_post`, `client_assertion` or `bearer`.
    pub authentication: String,
    /// Whether the server accepted it.
    pub authenticated: bool,
    /// Whether the request has a code challenge or a code verifier.
    pub pkce: bool,
    /// The parameters. Secrets are hidden, tokens and codes replaced by the beginning of their
    /// SHA-256.
    pub fields: BTreeMap<String, String>,
    /// The status of the response; `None` if the client got none.
    pub status: Option<u16>,
    /// The error code of the response.
    pub error: Option<String>,
    /// The fault that changed the response.
    pub fault_id: Option<u64>,
}

/// What the server has received, oldest first.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ReceivedRequests {
    /// The requests that the journal holds.
    pub requests: Vec<ReceivedRequest>,
    /// The number of older requests that it no longer holds.
    pub dropped: u64,
}

/// An expectation that does not hold.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Unmet {
    /// The number of requests that match.
    pub matched: usize,
    /// The number of requests that the journal no longer holds, and that might have matched.
    #[serde(default)]
    pub dropped: u64,
    /// The request that differs least, if too few match.
    pub nearest: Option<Nearest>,
}

/// The request that differs least from what was expected.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Nearest {
    /// The request.
    pub request: ReceivedRequest,
    /// The members that differ, `fields.NAME` for a parameter.
    pub differs: Vec<String>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests match, which is not the expected number", self.matched)?;
        if self.dropped > 0 {
            write!(f, "; the journal has lost {} requests", self.dropped)?;
        }
        match &self.nearest {
            Some(Nearest { request, differs }) => {
                write!(f, "; the nearest differs in {}: {request:?}", differs.join(", "))
            }
            None => Ok(()),
        }
    }
}
