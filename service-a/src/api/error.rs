use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use service_kit::RequestId;

use crate::b_client::{CallError, CallStep};

/// A [`CallError`] as a JSON response, with the id of the request.
#[derive(Debug)]
pub struct ApiError {
    error: CallError,
    request_id: RequestId,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'static str,
    step: CallStep,
    error_description: &'a str,
    request_id: &'a str,
}

impl ApiError {
    pub fn new(error: CallError, request_id: &RequestId) -> Self {
        Self { error, request_id: request_id.clone() }
    }

    /// Reports that the request to A is invalid.
    pub fn invalid_request(status: StatusCode, reason: String, request_id: &RequestId) -> Self {
        Self::new(CallError::invalid_request(status, reason), request_id)
    }
}

fn error_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::GATEWAY_TIMEOUT => "gateway_timeout",
        status if status.is_client_error() => "invalid_request",
        _ => "bad_gateway",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { error, request_id } = self;
        let status = error.status();
        if status.is_server_error() {
            tracing::warn!(step = ?error.step(), reason = error.reason(), "API request failed");
        }
        let body = ErrorBody {
            error: error_code(status),
            step: error.step(),
            error_description: error.reason(),
            request_id: &request_id.0,
        };
        let response = (status, Json(body));
        match error.retry_after() {
            Some(wait) => ([(RETRY_AFTER, wait.as_secs().to_string())], response).into_response(),
            None => response.into_response(),
        }
    }
}
