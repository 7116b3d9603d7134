use std::sync::Arc;

use axum::{Form, Json, Router, extract::State, http::StatusCode, routing::post};
use oauth_types::AccessTokenClaims;
use serde::{Deserialize, Serialize};

use crate::mint::Mint;

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
    scope: String,
}

/// Bare axum: parse the form, sign once. It asks nobody, checks nothing and writes nothing down.
pub fn one_signature(mint: Arc<Mint>) -> Router {
    Router::new().route("/oauth/token", post(token)).with_state(mint)
}

async fn token(
    State(mint): State<Arc<Mint>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenAnswer>, StatusCode> {
    let TokenRequest { grant_type, client_id, client_secret } = request;
    if grant_type != "client_credentials" || client_secret.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let claims = AccessTokenClaims { sub: client_id.clone(), client_id, ..mint.claims.clone() };
    let access_token = mint.sign(&claims).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(TokenAnswer {
        access_token,
        token_type: "Bearer",
        expires_in: 1_800,
        scope: claims.scope.to_string(),
    }))
}
