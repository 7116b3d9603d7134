use axum::{
    Json,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use service_kit::{RequestBody, has_media_type};

/// Extractor for a JSON body. Other media types are rejected: a form on another site cannot send
/// this one.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !has_media_type(request.headers(), "application/json") {
            let text = "the Content-Type is not application/json";
            return Err(invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let RequestBody(body) = RequestBody::from_request(request, state).await?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| invalid(StatusCode::BAD_REQUEST, "the body is not the expected JSON"))
    }
}

fn invalid(status: StatusCode, text: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": text });
    (status, Json(body)).into_response()
}
