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
use crate::{login::CALLBACK, mint::Mint};

struct Party {
    store: Arc<dyn Store>,
    mint: Arc<Mint>,
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
struct TokenAnswer {
    access_token: String,
    id_token: String,
    token_type: &'static str,
    expires_in: u32,
}

/// Bare axum, with what no login can do without: a commit for the code, a commit for the token, the
/// two signatures (ES256 for the pass, RS256 for the ID token), and one verification. It looks
/// nothing up and checks nothing else.
pub fn one_login(store: Arc<dyn Store>, mint: Arc<Mint>) -> anyhow::Result<Router> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[&mint.claims.iss]);
    validation.set_audience(&[mint.claims.aud.to_string()]);
    let rsa = KeyPair::generate(KeySize::Rsa2048)?;
    let party = Party { store, key: mint.public_key(), mint, rsa, validation };
    Ok(Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/token", post(token))
        .route("/userinfo", get(userinfo))
        .with_state(Arc::new(party)))
}

async fn authorize(State(party): State<Arc<Party>>) -> Result<Redirect, StatusCode> {
    commit(&*party.store).await.map_err(failed)?;
    Ok(Redirect::to(&format!(
        "{CALLBACK}?code=gpac_0123456789abcdef0123456789abcdef0123456789a&state=the-state"
    )))
}

async fn token(
    State(party): State<Arc<Party>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenAnswer>, StatusCode> {
    if request.grant_type != "authorization_code" || request.code.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let access_token = party.mint.sign(&party.mint.claims).map_err(failed)?;
    let id_token = party.id_token().map_err(failed)?;
    commit(&*party.store).await.map_err(failed)?;
    Ok(Json(TokenAnswer { access_token, id_token, token_type: "Bearer", expires_in: 1_800 }))
}

async fn userinfo(
    State(party): State<Arc<Party>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    let pass = decode::<AccessTokenClaims>(token, &party.key, &party.validation);
    let claims = pass.map_err(|_| StatusCode::UNAUTHORIZED)?.claims;
    Ok(Json(
        json!({ "sub": claims.sub, "nickname": "alice", "email": "alice@example.com", "email_verified": true }),
    ))
}

impl Party {
    fn id_token(&self) -> anyhow::Result<String> {
        let (header, claims) = (json!({ "alg": "RS256", "typ": "JWT" }), &self.mint.claims);
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
        signed.map_err(|_| anyhow!("no signature"))?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
