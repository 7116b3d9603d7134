use axum::{
    Json,
    extract::Request,
    http::{
        HeaderMap, HeaderName, Method, StatusCode, Uri,
        header::{ACCEPT, ALLOW},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Response extension: this crate produced the response, not a handler.
#[derive(Clone, Copy)]
pub(crate) struct FrameworkError;

/// Returns an `invalid_request` error for a request that no handler has seen.
pub(crate) fn invalid_request(status: StatusCode, description: &str) -> Response {
    error_response(status, "invalid_request", description)
}

/// Returns a JSON error in the shape of RFC 6749 §5.2.
pub(crate) fn error_response(status: StatusCode, error: &str, description: &str) -> Response {
    let body = serde_json::json!({ "error": error, "error_description": description });
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(FrameworkError);
    response
}

/// Responds with 404. The body does not repeat the path, because callers put secrets into paths by
/// mistake.
pub(crate) async fn unknown_path() -> Response {
    invalid_request(
        StatusCode::NOT_FOUND,
        "no resource at this path; see /openapi.json for the API",
    )
}

/// Responds with 405.
pub(crate) async fn unknown_method() -> Response {
    invalid_request(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed at this path; see the Allow header",
    )
}

/// Middleware for servers with pages: replaces the JSON errors of
/// [`with_request_context`](crate::with_request_context) by an HTML page if the request accepts
/// HTML. Errors of handlers stay as they are.
pub async fn render_html_errors(
    request: Request,
    next: Next,
    page: impl FnOnce(&Method, &Uri, &HeaderMap, StatusCode) -> Response,
) -> Response {
    let parts = accepts_html(request.headers())
        .then(|| (request.method().clone(), request.uri().clone(), request.headers().clone()));
    let response = next.run(request).await;
    let Some((method, uri, headers)) =
        parts.filter(|_| response.extensions().get::<FrameworkError>().is_some())
    else {
        return response;
    };
    let mut page = page(&method, &uri, &headers, response.status());
    for name in [&X_REQUEST_ID, &ALLOW] {
        if let Some(value) = response.headers().get(name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|range| range.trim_start().starts_with("text/html")))
}
