use std::time::Duration;

use oauth_types::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Control, ControlError, Endpoint};

const PATH: &str = "/control/faults";

/// A rule that changes responses of the server. If several match a request, the newest applies.
///
/// ```
/// use gatepass_testkit::{Endpoint, Fault};
///
/// let outage = Fault::on(Endpoint::Jwks).status(503).times(2);
/// # let _ = outage;
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Fault {
    on: Endpoint,
    #[serde(rename = "match")]
    matching: FaultMatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    #[serde(rename = "do")]
    action: FaultAction,
}

#[derive(Clone, Debug, Default, Serialize)]
struct FaultMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct FaultAction {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    garbage: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_error: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_keys: Option<bool>,
}

/// A fault that the server applies until it has run out or is deleted.
///
/// Dropping it does not end the fault, because that takes a call. Limit it by [`Fault::times`], or
/// call [`ActiveFault::delete`] or [`Control::reset`].
#[derive(Clone, Debug)]
#[must_use = "the fault stays until it has run out or is deleted"]
pub struct ActiveFault {
    control: Control,
    id: u64,
}

/// A fault in the list of the server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ListedFault {
    /// Identifies the fault.
    pub id: u64,
    /// The endpoint.
    pub on: Endpoint,
    /// How often it still applies; unset means until it is deleted.
    pub remaining: Option<u32>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: Value,
}

#[derive(Deserialize)]
struct Added {
    id: u64,
}

#[derive(Deserialize)]
struct FaultList {
    faults: Vec<ListedFault>,
}

impl Control {
    /// Makes responses of an endpoint go wrong.
    ///
    /// # Errors
    /// Returns an error if the fault does nothing or contradicts itself, or if the call fails.
    pub async fn fault(&self, fault: Fault) -> Result<ActiveFault, ControlError> {
        let Added { id } = self.post(PATH, &fault).await?;
        Ok(ActiveFault { control: self.clone(), id })
    }

    /// Returns the faults that still apply, oldest first.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn faults(&self) -> Result<Vec<ListedFault>, ControlError> {
        let list: FaultList = self.get(PATH).await?;
        Ok(list.faults)
    }

    /// Deletes all faults.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn delete_faults(&self) -> Result<(), ControlError> {
        self.delete(PATH).await
    }
}

impl ActiveFault {
    /// Returns the id, which requests in the journal have as `fault_id`.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Ends the fault. It may have run out before.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn delete(self) -> Result<(), ControlError> {
        match self.control.delete(&format!("{PATH}/{}", self.id)).await {
            Err(ControlError::Rejected(rejection)) if rejection.status == 404 => Ok(()),
            other => other,
        }
    }
}

impl Fault {
    /// A fault of an endpoint, which does nothing yet.
    pub fn on(endpoint: Endpoint) -> Self {
        Self {
            on: endpoint,
            matching: FaultMatch::default(),
            times: None,
            action: FaultAction::default(),
        }
    }

    /// Applies to requests of this client only.
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.matching.client_id = Some(client_id.into());
        self
    }

    /// Applies to as many requests. Without a number, it applies until it is deleted.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Answers with this status instead of handling the request.
    pub fn status(mut self, status: u16) -> Self {
        self.action.status = Some(status);
        self
    }

    /// The body of that answer: a string as text, any other value as JSON.
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.action.body = Some(body.into());
        self
    }

    /// Waits before the request is handled. The server allows 27 seconds by default.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.action.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Ends the connection after so many bytes of the body.
    pub fn truncate(mut self, bytes: usize) -> Self {
        self.action.truncate = Some(bytes);
        self
    }

    /// Answers with a body that is not JSON, as JSON.
    pub fn garbage(mut self) -> Self {
        self.action.garbage = Some(true);
        self
    }

    /// Ends the connection without a response.
    pub fn close(mut self) -> Self {
        self.action.close = Some(true);
        self
    }

    /// Answers with this error code and its usual status.
    pub fn oauth_error(mut self, code: ErrorCode) -> Self {
        self.action.oauth_error = Some(code);
        self
    }

    /// Publishes a key set without the keys that sign now, as a cache does after a rotation.
    pub fn stale_keys(mut self) -> Self {
        self.action.stale_keys = Some(true);
        self
    }
}
