use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use oauth_types::AccessTokenClaims;

use super::answer::Answer;

struct Verifying {
    key: DecodingKey,
    validation: Validation,
}

/// Bare axum: verify once, with issuer, audience and expiry. It remembers nothing.
pub fn one_verification(key: DecodingKey, expected: &AccessTokenClaims) -> Router {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[&expected.iss]);
    validation.set_audience(&[expected.aud.to_string()]);
    Router::new()
        .route("/api/resource", get(resource))
        .with_state(Arc::new(Verifying { key, validation }))
}

async fn resource(
    State(verifying): State<Arc<Verifying>>,
    headers: HeaderMap,
) -> Result<Json<Answer>, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    let pass = decode::<AccessTokenClaims>(token, &verifying.key, &verifying.validation);
    Ok(Json(Answer::of(&pass.map_err(|_| StatusCode::UNAUTHORIZED)?.claims)))
}
