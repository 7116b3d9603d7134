use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use oauth_types::{ErrorCode, Form, OAuthError};
use service_kit::RequestBody;

use crate::{providers::LogoutTokenError, services::Services};

/// `POST /backchannel-logout/{provider}`: receives a logout token from the provider (OpenID Connect
/// Back-Channel Logout 1.0 §2.5). Responds in JSON, because no browser is involved.
pub async fn backchannel_logout(
    State(services): State<Arc<Services>>,
    name: Result<Path<String>, PathRejection>,
    RequestBody(body): RequestBody,
) -> Response {
    // A name that is not UTF-8 belongs to no provider.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let response = match end_sessions(&services, &name, &body).await {
        Ok(sessions) => {
            tracing::info!(provider = name, sessions, "sessions ended by back-channel logout");
            StatusCode::OK.into_response()
        }
        Err((status, reason)) => {
            tracing::warn!(status = status.as_u16(), reason, "logout token rejected");
            (status, Json(OAuthError::new(ErrorCode::InvalidRequest, reason))).into_response()
        }
    };
    // §2.8: a cached response would keep the next logout token from reaching A.
    ([(CACHE_CONTROL, "no-store")], response).into_response()
}

async fn end_sessions(
    services: &Services,
    name: &str,
    body: &[u8],
) -> Result<u64, (StatusCode, String)> {
    let provider =
        services.provider(name).ok_or((StatusCode::NOT_FOUND, "unknown provider".to_owned()))?;
    let bad_request = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let unavailable = |reason: String| (StatusCode::SERVICE_UNAVAILABLE, reason);
    let form = Form::parse(body).map_err(|error| bad_request(error.to_string()))?;
    let token = form
        .get("logout_token")
        .ok_or_else(|| bad_request("logout_token is missing".to_owned()))?;
    let logout = provider.verify_logout_token(token).await.map_err(|error| match error {
        LogoutTokenError::Invalid(reason) => bad_request(reason),
        LogoutTokenError::Provider(error) => unavailable(error.to_string()),
    })?;
    let ended = services.accounts.apply_backchannel_logout(&logout).await;
    let ended = ended.map_err(|error| unavailable(error.to_string()))?;
    ended.ok_or_else(|| bad_request("this logout token was already used".to_owned()))
}
