use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use oauth_types::Form;
use serde_json::json;
use service_kit::RequestBody;

use crate::{providers::LogoutTokenRefusal, state::App};

/// `POST /backchannel-logout/{provider}`: the provider itself says that a person has logged out
/// there (OpenID Connect Back-Channel Logout 1.0 §2.5). No browser takes part, so it answers in
/// JSON.
pub async fn backchannel_logout(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    RequestBody(body): RequestBody,
) -> Response {
    // A name that is no text is nobody's.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let answer = match end(&app, &name, &body).await {
        Ok(sessions) => {
            tracing::info!(provider = name, sessions, "a provider ended sessions");
            StatusCode::OK.into_response()
        }
        Err((status, reason)) => {
            tracing::warn!(status = status.as_u16(), reason, "a logout token was not taken");
            (status, Json(json!({ "error": "invalid_request", "error_description": reason })))
                .into_response()
        }
    };
    // §2.8: an intermediary that keeps it would swallow the next one.
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}

async fn end(app: &App, name: &str, body: &[u8]) -> Result<u64, (StatusCode, String)> {
    let provider = app
        .website
        .provider(name)
        .ok_or((StatusCode::NOT_FOUND, "there is no such provider".to_owned()))?;
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let form = Form::parse(body).map_err(|error| bad(error.to_string()))?;
    let token =
        form.get("logout_token").ok_or_else(|| bad("logout_token is missing".to_owned()))?;
    let notice = provider.logout_token(token).await.map_err(|refusal| match refusal {
        LogoutTokenRefusal::Invalid(reason) => bad(reason),
        LogoutTokenRefusal::Unverifiable(failure) => {
            (StatusCode::SERVICE_UNAVAILABLE, failure.to_string())
        }
    })?;
    let ended = app.website.accounts.end_sessions(&notice).await;
    let ended = ended.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    ended.ok_or_else(|| bad("this very token came before".to_owned()))
}
