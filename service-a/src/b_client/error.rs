use std::time::Duration;

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use service_kit::RequestId;
use token_client::TokenError;

/// Why A could not do what it was asked. It says which step failed, and never holds a secret or a
/// token.
#[derive(Debug, thiserror::Error)]
#[error("{step:?}: {reason}")]
pub struct Failure {
    status: StatusCode,
    step: Step,
    reason: String,
    retry_after: Option<Duration>,
    request_id: Option<RequestId>,
}

/// The steps of the document, as far as they can fail here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The request to A itself.
    Request,
    /// A asks C for a pass (steps 1 and 2).
    GetToken,
    /// A calls B with the pass (steps 3 and 4).
    CallB,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    step: Step,
    error_description: &'a str,
    request_id: Option<&'a str>,
}

impl Failure {
    /// What A itself was asked cannot be done.
    pub fn of_request(status: StatusCode, reason: String) -> Self {
        Self { status, step: Step::Request, reason, retry_after: None, request_id: None }
    }

    /// B, or the way to it, failed.
    pub fn of_b(status: StatusCode, reason: String) -> Self {
        Self { status, step: Step::CallB, reason, retry_after: None, request_id: None }
    }

    /// C, or the way to it, took longer than A's own caller is kept waiting.
    pub fn no_pass_in_time() -> Self {
        let reason = "no pass came before the time of the whole request was over".to_owned();
        let status = StatusCode::GATEWAY_TIMEOUT;
        Self { status, step: Step::GetToken, reason, retry_after: None, request_id: None }
    }

    pub fn retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    pub fn in_request(self, id: &RequestId) -> Self {
        Self { request_id: Some(id.clone()), ..self }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn name(&self) -> &'static str {
        match self.status {
            StatusCode::GATEWAY_TIMEOUT => "gateway_timeout",
            status if status.is_client_error() => "invalid_request",
            _ => "bad_gateway",
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let status = match error {
            TokenError::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        let (reason, retry_after) = (error.to_string(), error.retry_after());
        Self { status, step: Step::GetToken, reason, retry_after, request_id: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(step = ?self.step, reason = self.reason, "A could not serve a request");
        }
        let body = Body {
            error: self.name(),
            step: self.step,
            error_description: &self.reason,
            request_id: self.request_id.as_ref().map(|id| &*id.0),
        };
        let answer = (self.status, Json(body));
        match self.retry_after {
            Some(wait) => ([(RETRY_AFTER, wait.as_secs().to_string())], answer).into_response(),
            None => answer.into_response(),
        }
    }
}
