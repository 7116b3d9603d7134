use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    authorize::has_access_token,
    rejection::{BearerRejection, RejectionKind},
    verifier::Verifier,
    whole_body::read_body,
};

/// Middleware that rejects an access token in a form body (RFC 6750 §2.2). Together with a token in
/// the header these are two methods, which §2 forbids; alone, it is a method that is not supported.
/// [`Authorized`](crate::Authorized) does not read bodies, so every handler that takes forms needs
/// this layer. The length of a form is limited by axum's `DefaultBodyLimit`.
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
        Err(kind) => return BearerRejection::new(&verifier, kind).into_response(),
    }
    let (parts, body) = request.into_parts();
    let form = match read_body(&verifier, Request::from_parts(parts.clone(), body)).await {
        Ok(form) => form,
        Err(rejection) => return rejection.into_response(),
    };
    if !has_access_token(&form) {
        return next.run(Request::from_parts(parts, Body::from(form))).await;
    }
    let problem = if parts.headers.contains_key(header::AUTHORIZATION) {
        "the request has credentials in the Authorization header and an access token in the body; use the header only"
    } else {
        "an access token in the request body is not accepted; use the Authorization header"
    };
    BearerRejection::new(&verifier, RejectionKind::Misplaced(problem)).into_response()
}

/// A second Content-Type header is rejected: this layer could read one, and the handler the other
/// (RFC 9110 §5.3).
fn is_form(headers: &HeaderMap) -> Result<bool, RejectionKind> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let content_type = types.next().map(HeaderValue::as_bytes).unwrap_or_default();
    if types.next().is_some() {
        return Err(RejectionKind::Misplaced("the request has more than one Content-Type header"));
    }
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    Ok(media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded"))
}
