use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::Response,
};

use crate::refusal::refusal;

/// The body of a request, whole. One that is too long, or breaks off, is refused in the shape of
/// all errors.
#[derive(Debug)]
pub struct WholeBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for WholeBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than is taken here")
            }
            status => refusal(status, "the body broke off"),
        })
    }
}
