use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    Verifier,
    authorized::{has_access_token, refusal},
    rejection::RejectionKind,
    whole_body::whole,
};

/// A layer that refuses a token in a form body (RFC 6750 §2.2): with one in the header that is two
/// methods at once, which §2 forbids, and alone it is a method that is not taken here.
/// [`Pass`](crate::Pass) sees no bodies, so this stands before handlers that take forms. How long a
/// form may be is axum's `DefaultBodyLimit` to say:
///
/// ```
/// # use axum::{Router, middleware::from_fn_with_state, routing::post};
/// # use token_verifier::{Verifier, reject_token_in_form_body};
/// # fn routes(verifier: Verifier) -> Router {
/// Router::new()
///     .route("/api/order", post(|| async { "ordered" }))
///     .layer(from_fn_with_state(verifier, reject_token_in_form_body))
/// # }
/// ```
pub async fn reject_token_in_form_body(
    State(verifier): State<Verifier>,
    request: Request,
    next: Next,
) -> Response {
    match is_form(request.headers()) {
        Ok(true) => {}
        Ok(false) => return next.run(request).await,
        Err(why) => return refusal(&verifier, why).into_response(),
    }
    let (parts, body) = request.into_parts();
    let form = match whole(&verifier, Request::from_parts(parts.clone(), body)).await {
        Ok(form) => form,
        Err(refusal) => return refusal.into_response(),
    };
    if !has_access_token(&form) {
        return next.run(Request::from_parts(parts, Body::from(form))).await;
    }
    let why = if parts.headers.contains_key(header::AUTHORIZATION) {
        "a credential was sent in the header and an access token in the body: use the header alone"
    } else {
        "an access token in the body is not taken: use the header"
    };
    refusal(&verifier, RejectionKind::Misplaced(why)).into_response()
}

/// Of two Content-Type headers we would believe one, and the handler perhaps the other (RFC 9110
/// §5.3).
fn is_form(headers: &HeaderMap) -> Result<bool, RejectionKind> {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let kind = kinds.next().map(HeaderValue::as_bytes).unwrap_or_default();
    if kinds.next().is_some() {
        return Err(RejectionKind::Misplaced("there is more than one Content-Type header"));
    }
    let media_type = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    Ok(media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded"))
}
