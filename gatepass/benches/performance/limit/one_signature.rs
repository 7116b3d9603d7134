use std::sync::Arc;

use axum::{Form, Json, Router, extract::State, http::StatusCode, routing::post};
use oauth_types::AccessTokenClaims;
use serde::{Deserialize, Serialize};

use crate::token_factory::TokenFactory;

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
    scope: String,
}

/// Bare axum: parses the form and signs once. No lookup, no check, no audit record.
pub fn one_signature(token_factory: Arc<TokenFactory>) -> Router {
    Router::new().route("/oauth/token", post(token)).with_state(token_factory)
}

async fn token(
    State(token_factory): State<Arc<TokenFactory>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenResponse>, StatusCode> {
    let TokenRequest { grant_type, client_id, client_secret } = request;
    if grant_type != "client_credentials" || client_secret.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let claims =
        AccessTokenClaims { sub: client_id.clone(), client_id, ..token_factory.claims.clone() };
    let access_token =
        token_factory.sign(&claims).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: 1_800,
        scope: claims.scope.to_string(),
    }))
}
