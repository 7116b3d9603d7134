use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::Response,
};

use crate::error_response::invalid_request;

/// The body of a request, whole. One that is too long, or breaks off, is refused in the shape of
/// all errors.
#[derive(Debug)]
pub struct RequestBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RequestBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => invalid_request(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is longer than is taken here",
            ),
            status => invalid_request(status, "the body broke off"),
        })
    }
}
