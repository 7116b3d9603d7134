use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use super::{
    Expected, Rejection, keys,
    token::{Claims, Verify},
};

/// A resource server with the verification of one round.
pub struct ResourceServer {
    pub expected: Expected,
    pub verify: Verify,
}

pub fn routes(server: ResourceServer) -> Router {
    Router::new().route("/orders", get(orders)).with_state(Arc::new(server))
}

async fn orders(State(server): State<Arc<ResourceServer>>, headers: HeaderMap) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = bearer else {
        return challenge(StatusCode::UNAUTHORIZED, "Bearer", &json!({}));
    };
    match keys::fetch(&server.expected.issuer).await {
        Ok(keys) => answer((server.verify)(token, &keys, &server.expected)),
        Err(error) => {
            let text = format!("no keys from {}: {error:#}", server.expected.issuer);
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

fn answer(verified: Result<Claims, Rejection>) -> Response {
    match verified {
        Ok(claims) => {
            let body = json!({ "orders": ["tea", "noodles"], "called_by": claims.client_id });
            Json(body).into_response()
        }
        Err(Rejection::InvalidToken(reason)) => challenge(
            StatusCode::UNAUTHORIZED,
            "Bearer error=\"invalid_token\"",
            &json!({ "error": "invalid_token", "error_description": reason }),
        ),
        Err(Rejection::InsufficientScope) => challenge(
            StatusCode::FORBIDDEN,
            "Bearer error=\"insufficient_scope\"",
            &json!({ "error": "insufficient_scope" }),
        ),
    }
}

fn challenge(status: StatusCode, challenge: &'static str, body: &serde_json::Value) -> Response {
    (status, [(header::WWW_AUTHENTICATE, challenge)], Json(body)).into_response()
}
