use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};

use crate::{
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE, REQUEST_RULE},
    oauth::token::{TokenContext, handle_token_request},
};

/// Maximum distance of the expiry from now: one day.
const MAX_OFFSET_SECONDS: i64 = 86_400;

/// `POST /test/token`: issues a token like `/oauth/token`, but the caller chooses the expiry:
/// `expires_in` seconds from now, in the past if negative. The route exists only with
/// `test_controls`.
pub async fn test_token(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let request = request.and_then(|mut request| {
        let expires_in = request.required("expires_in", REQUEST_RULE)?.parse().ok();
        let invalid = || {
            ApiError::invalid_request(
                "expires_in must be a number of seconds, at most one day",
                REQUEST_RULE,
            )
        };
        let expires_in = expires_in
            .filter(|seconds| (-MAX_OFFSET_SECONDS..=MAX_OFFSET_SECONDS).contains(seconds))
            .ok_or_else(invalid)?;
        request.expires_in = Some(expires_in);
        Ok(request)
    });
    let response = handle_token_request(&context, address, request).await?;
    Ok((NO_STORE, Json(response)))
}
