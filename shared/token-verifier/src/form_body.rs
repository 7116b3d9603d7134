use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use crate::{
    Verifier,
    pass::{has_access_token, refusal},
    refusal::Why,
};

/// No form to a protected resource is longer.
const MAX_FORM: usize = 64 * 1_024;

/// A layer that refuses a token in a form body (RFC 6750 §2.2): with one in the header that is two methods at once, which
/// §2 forbids, and alone it is a method that is not taken here. [`Pass`](crate::Pass) sees no bodies, so this stands
/// before handlers that take forms:
///
/// ```
/// # use axum::{Router, middleware::from_fn_with_state, routing::post};
/// # use token_verifier::{Verifier, refuse_token_in_form};
/// # fn routes(verifier: Verifier) -> Router {
/// Router::new()
///     .route("/api/order", post(|| async { "ordered" }))
///     .layer(from_fn_with_state(verifier, refuse_token_in_form))
/// # }
/// ```
pub async fn refuse_token_in_form(State(verifier): State<Verifier>, request: Request, next: Next) -> Response {
    if !is_form(request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, MAX_FORM).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if !has_access_token(&form) {
        return next.run(Request::from_parts(parts, Body::from(form))).await;
    }
    let why = if parts.headers.contains_key(header::AUTHORIZATION) {
        "a credential was sent in the header and an access token in the body: use the header alone"
    } else {
        "an access token in the body is not taken: use the header"
    };
    refusal(&verifier, Why::Misplaced(why)).into_response()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = kind.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
