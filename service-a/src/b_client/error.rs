use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use token_client::TokenError;

/// Why a call of B failed, and at which step. Contains no secrets or tokens.
#[derive(Debug, thiserror::Error)]
#[error("{step:?}: {reason}")]
pub struct CallError {
    status: StatusCode,
    step: CallStep,
    reason: String,
    retry_after: Option<Duration>,
}

/// Steps of a call, as far as they can fail in A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStep {
    /// The request to A.
    Request,
    /// A requests an access token from C (steps 1 and 2 of server to server).
    GetToken,
    /// A calls B with the access token (steps 3 and 4).
    CallB,
}

impl CallError {
    /// Reports that the request to A is invalid.
    pub fn invalid_request(status: StatusCode, reason: String) -> Self {
        Self { status, step: CallStep::Request, reason, retry_after: None }
    }

    /// Reports an error of B or of the connection to it.
    pub fn calling_b(status: StatusCode, reason: String) -> Self {
        Self { status, step: CallStep::CallB, reason, retry_after: None }
    }

    /// Reports that C did not issue an access token within the total timeout.
    pub fn token_timed_out() -> Self {
        let reason = "no access token within the timeout of the request".to_owned();
        let status = StatusCode::GATEWAY_TIMEOUT;
        Self { status, step: CallStep::GetToken, reason, retry_after: None }
    }

    /// Sets the value of `Retry-After`.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// Returns the HTTP status for A's own caller.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn step(&self) -> CallStep {
        self.step
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<TokenError> for CallError {
    fn from(error: TokenError) -> Self {
        let status = match error {
            TokenError::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        let (reason, retry_after) = (error.to_string(), error.retry_after());
        Self { status, step: CallStep::GetToken, reason, retry_after }
    }
}
