use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::Response,
};

use crate::error_response::invalid_request;

/// Extractor for the complete request body. Rejects a body that is longer than
/// `limits.max_body_bytes` (413) or ends early, with a JSON error like every other one.
#[derive(Debug)]
pub struct RequestBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RequestBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                invalid_request(StatusCode::PAYLOAD_TOO_LARGE, "the request body is too long")
            }
            status => invalid_request(status, "the request body could not be read completely"),
        })
    }
}
