use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use oauth_types::AccessTokenClaims;

use super::one_response::ResourceResponse;

struct Verification {
    key: DecodingKey,
    validation: Validation,
}

/// Bare axum: verifies signature, issuer, audience and expiry, without a cache.
pub fn one_verification(key: DecodingKey, expected: &AccessTokenClaims) -> Router {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[&expected.iss]);
    validation.set_audience(&[expected.aud.to_string()]);
    Router::new()
        .route("/api/resource", get(resource))
        .with_state(Arc::new(Verification { key, validation }))
}

async fn resource(
    State(verification): State<Arc<Verification>>,
    headers: HeaderMap,
) -> Result<Json<ResourceResponse>, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    let decoded = decode::<AccessTokenClaims>(token, &verification.key, &verification.validation);
    Ok(Json(ResourceResponse::of(&decoded.map_err(|_| StatusCode::UNAUTHORIZED)?.claims)))
}
