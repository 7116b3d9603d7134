use std::sync::Arc;

use anyhow::anyhow;
use auth_server::storage::Store;
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::Redirect,
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use oauth_types::AccessTokenClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::one_commit::commit;
use crate::{browser_login::CALLBACK, token_factory::TokenFactory};

struct LimitServer {
    store: Arc<dyn Store>,
    token_factory: Arc<TokenFactory>,
    rsa: KeyPair,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    id_token: String,
    token_type: &'static str,
    expires_in: u32,
}

/// Bare axum, with only what no login can avoid: a commit for the code, a commit for the token, two
/// signatures (ES256 for the access token, RS256 for the ID token), and one verification.
pub fn one_login(
    store: Arc<dyn Store>,
    token_factory: Arc<TokenFactory>,
) -> anyhow::Result<Router> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[&token_factory.claims.iss]);
    validation.set_audience(&[token_factory.claims.aud.to_string()]);
    let rsa = KeyPair::generate(KeySize::Rsa2048)?;
    let server =
        LimitServer { store, key: token_factory.public_key(), token_factory, rsa, validation };
    Ok(Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/token", post(token))
        .route("/userinfo", get(userinfo))
        .with_state(Arc::new(server)))
}

async fn authorize(State(server): State<Arc<LimitServer>>) -> Result<Redirect, StatusCode> {
    commit(&*server.store).await.map_err(failed)?;
    Ok(Redirect::to(&format!(
        "{CALLBACK}?code=gpac_0123456789abcdef0123456789abcdef0123456789a&state=the-state"
    )))
}

async fn token(
    State(server): State<Arc<LimitServer>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenResponse>, StatusCode> {
    if request.grant_type != "authorization_code" || request.code.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let access_token = server.token_factory.sign(&server.token_factory.claims).map_err(failed)?;
    let id_token = server.id_token().map_err(failed)?;
    commit(&*server.store).await.map_err(failed)?;
    Ok(Json(TokenResponse { access_token, id_token, token_type: "Bearer", expires_in: 1_800 }))
}

async fn userinfo(
    State(server): State<Arc<LimitServer>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    let decoded = decode::<AccessTokenClaims>(token, &server.key, &server.validation);
    let claims = decoded.map_err(|_| StatusCode::UNAUTHORIZED)?.claims;
    Ok(Json(
        json!({ "sub": claims.sub, "nickname": "alice", "email": "alice@example.com", "email_verified": true }),
    ))
}

impl LimitServer {
    fn id_token(&self) -> anyhow::Result<String> {
        let (header, claims) =
            (json!({ "alg": "RS256", "typ": "JWT" }), &self.token_factory.claims);
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        let signed = self.rsa.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            token.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| anyhow!("signing failed"))?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
