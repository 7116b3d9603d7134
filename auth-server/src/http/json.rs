use axum::{
    extract::{FromRequest, Request},
    http::HeaderMap,
};
use oauth_types::ErrorCode;
use serde_json::{Map, Value};
use service_kit::has_media_type;

use super::ApiError;
use super::form::read;
use crate::{
    domain::ClientMetadata,
    typed_json::{JsonProblem, parse_object, typed},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7591#section-3.1";

/// A request with a JSON object, unverified.
pub struct JsonRequest {
    pub headers: HeaderMap,
    pub members: Map<String, Value>,
}

impl JsonRequest {
    /// Returns the client metadata in the body.
    pub fn metadata(&self) -> Result<ClientMetadata, ApiError> {
        typed(Value::Object(self.members.clone())).map_err(|problem| {
            let name = problem.pointer.trim_start_matches('/');
            invalid(match problem.expected {
                Some(expected) => format!("the member {name} is not {expected}"),
                None => problem.description,
            })
        })
    }
}

impl<S: Sync> FromRequest<S> for JsonRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        if !has_media_type(&headers, "application/json") {
            return Err(ApiError::invalid_request(
                "the Content-Type is not application/json",
                RULE,
            )
            .at("Content-Type"));
        }
        let body = read(request).await?;
        let members =
            parse_object(&body, |_| JsonProblem::new("", "the body is not a JSON object"))
                .map_err(|problem| invalid(problem.description))?;
        Ok(Self { headers, members })
    }
}

fn invalid(reason: impl AsRef<str>) -> ApiError {
    ApiError::new(ErrorCode::InvalidClientMetadata, reason, RULE).at("the body")
}
