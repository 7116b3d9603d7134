use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Control, ControlError, Endpoint, ReceivedRequests};

const PATH: &str = "/control/requests";

/// The requests that the server has received. See [`Control::requests`].
#[derive(Clone, Copy, Debug)]
pub struct Requests<'a>(&'a Control);

/// The requests that a test expects. A property that is not set matches any value; without a
/// number, at least one request must match.
///
/// ```
/// use std::time::Duration;
///
/// use gatepass_testkit::{Endpoint, Expectation};
///
/// let redeemed = Expectation::at(Endpoint::Token)
///     .client("shop")
///     .authentication("client_secret_basic")
///     .pkce(true)
///     .exactly(1)
///     .within(Duration::from_millis(500));
/// # let _ = redeemed;
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Expectation {
    #[serde(rename = "match")]
    matching: RequestMatch,
    count: Count,
    within_ms: u64,
}

#[derive(Clone, Debug, Default, Serialize)]
struct RequestMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pkce: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault_id: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

#[derive(Deserialize)]
struct Verdict {
    matched: usize,
}

impl Control {
    /// Returns what the server has received.
    #[must_use]
    pub fn requests(&self) -> Requests<'_> {
        Requests(self)
    }
}

impl Requests<'_> {
    /// Returns the requests that the journal holds: the last 2,000, with at most 4 MiB.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn list(&self) -> Result<ReceivedRequests, ControlError> {
        self.0.get(PATH).await
    }

    /// Asserts what the server has received, and returns the number of requests that match.
    ///
    /// # Errors
    /// Returns [`ControlError::Unmet`] with the request that differs least if too few or too many
    /// requests match, or if the journal no longer holds all. Returns another error if the call
    /// fails.
    pub async fn expect(&self, expectation: Expectation) -> Result<usize, ControlError> {
        let verdict: Verdict = self.0.post(&format!("{PATH}/verify"), &expectation).await?;
        Ok(verdict.matched)
    }

    /// Empties the journal.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn clear(&self) -> Result<(), ControlError> {
        self.0.delete(PATH).await
    }
}

impl Expectation {
    /// Expects requests to any endpoint.
    pub fn anywhere() -> Self {
        Self { matching: RequestMatch::default(), count: Count::AtLeast(1), within_ms: 0 }
    }

    /// Expects requests to an endpoint.
    pub fn at(endpoint: Endpoint) -> Self {
        let mut expectation = Self::anywhere();
        expectation.matching.endpoint = Some(endpoint);
        expectation
    }

    /// The HTTP method, in upper case.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.matching.method = Some(method.into());
        self
    }

    /// The path, without the query.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.matching.path = Some(path.into());
        self
    }

    /// The client.
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.matching.client_id = Some(client_id.into());
        self
    }

    /// How the client or a user's token was presented, such as `client_secret_basic`.
    pub fn authentication(mut self, method: impl Into<String>) -> Self {
        self.matching.authentication = Some(method.into());
        self
    }

    /// Whether the server accepted that.
    pub fn authenticated(mut self, is_authenticated: bool) -> Self {
        self.matching.authenticated = Some(is_authenticated);
        self
    }

    /// Whether the request has a code challenge or a code verifier.
    pub fn pkce(mut self, has_pkce: bool) -> Self {
        self.matching.pkce = Some(has_pkce);
        self
    }

    /// The status of the response.
    pub fn status(mut self, status: u16) -> Self {
        self.matching.status = Some(status);
        self
    }

    /// The error code of the response.
    pub fn error(mut self, code: impl Into<String>) -> Self {
        self.matching.error = Some(code.into());
        self
    }

    /// The fault that changed the response.
    pub fn fault(mut self, id: u64) -> Self {
        self.matching.fault_id = Some(id);
        self
    }

    /// A parameter, as the journal writes it.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.matching.fields.insert(name.into(), value.into());
        self
    }

    /// As many requests must match.
    pub fn exactly(mut self, number: usize) -> Self {
        self.count = Count::Exactly(number);
        self
    }

    /// At least as many requests must match.
    pub fn at_least(mut self, number: usize) -> Self {
        self.count = Count::AtLeast(number);
        self
    }

    /// At most as many requests must match.
    pub fn at_most(mut self, number: usize) -> Self {
        self.count = Count::AtMost(number);
        self
    }

    /// Waits so long for requests that are missing, and for those that must not come
    /// ([`Expectation::at_most`], or `exactly(0)`). The server allows 27 seconds by default.
    /// Without it, the requests must have arrived before.
    pub fn within(mut self, time: Duration) -> Self {
        self.within_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self
    }
}
