use std::io;

use axum::{
    Json,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oauth_types::{ErrorCode, OAuthError, bearer::Challenge};
use serde_json::Value;

use super::{Endpoint, FaultAction, Traffic};
use crate::{
    compat::wechat::{error_response, is_wechat_api},
    http::NO_STORE,
};

/// The largest response that is truncated, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// A body that no JSON parser accepts.
const GARBAGE: &str = "{\"access_token\": <html>\u{0}";
const DESCRIPTION: &str = "a fault of the control API";
const REALM: &str = "gatepass";

/// Returns the response that a fault gives instead of C; `None` if C answers.
pub fn own_response(
    action: &FaultAction,
    endpoint: Endpoint,
    path: &str,
    traffic: &Traffic,
) -> Option<Response> {
    if action.close {
        return Some(aborted());
    }
    if action.garbage {
        let json = [(header::CONTENT_TYPE, "application/json")];
        return Some((status_of(action.status), json, GARBAGE).into_response());
    }
    if let Some(code) = action.oauth_error {
        return Some(match is_wechat_api(path) && traffic.authorization.wechat {
            true => error_response(&OAuthError::new(code, DESCRIPTION), path),
            false => oauth_error(code, endpoint),
        });
    }
    if action.stale_keys {
        return Some(Json(stale_keys(traffic)).into_response());
    }
    match (&action.body, action.status) {
        (None, None) => None,
        (None, status) => Some(status_of(status).into_response()),
        (Some(Value::String(text)), status) => {
            Some((status_of(status), text.clone()).into_response())
        }
        (Some(json), status) => Some((status_of(status), Json(json)).into_response()),
    }
}

fn status_of(status: Option<u16>) -> StatusCode {
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK)
}

/// Returns the error with the status and the challenge that C gives it.
fn oauth_error(code: ErrorCode, endpoint: Endpoint) -> Response {
    let status = match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let challenge = if endpoint == Endpoint::Userinfo {
        Some(Challenge::new(REALM).error(code.as_str(), DESCRIPTION).to_string())
    } else {
        (code == ErrorCode::InvalidClient).then(|| format!("Basic realm=\"{REALM}\""))
    };
    let challenge = challenge.map(|challenge| [(header::WWW_AUTHENTICATE, challenge)]);
    (status, NO_STORE, challenge, Json(OAuthError::new(code, DESCRIPTION))).into_response()
}

/// Returns the key set without the keys that sign now.
fn stale_keys(traffic: &Traffic) -> Value {
    let ring = traffic.key_set.keys.ring();
    let mut keys: Value = serde_json::from_slice(&ring.jwks).unwrap_or_default();
    if let Some(keys) = keys.get_mut("keys").and_then(Value::as_array_mut) {
        keys.retain(|key| ring.signing_keys().all(|signing| key["kid"] != signing.kid));
    }
    keys
}

/// Cuts a response off after so many bytes of its body. The header still announces all of them.
pub async fn truncated_response(response: Response, at: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = axum::body::to_bytes(body, MAX_RESPONSE_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if at >= whole.len() {
        return Response::from_parts(parts, Body::from(whole));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    Response::from_parts(parts, interrupted_body(whole.slice(..at)))
}

/// Returns a response that ends the connection before any of it is sent.
fn aborted() -> Response {
    let error = Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionAborted));
    Body::from_stream(stream::iter([error])).into_response()
}

/// Returns a body whose error makes the server close the connection. What comes before is sent: the
/// server writes it while the body waits.
fn interrupted_body(sent: Bytes) -> Body {
    let aborted = async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    Body::from_stream(stream::iter([Ok(sent)]).chain(stream::once(aborted)))
}
