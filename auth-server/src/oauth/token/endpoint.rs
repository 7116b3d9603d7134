use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};

use super::{TokenContext, handle_token_request};
use crate::http::{ApiError, ClientAddress, ClientRequest, NO_STORE};

/// `POST /oauth/token` (RFC 6749 §3.2): authenticates the client, evaluates the grant and issues
/// tokens.
pub async fn token(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let response = handle_token_request(&context, address, request).await?;
    Ok((NO_STORE, Json(response)))
}
