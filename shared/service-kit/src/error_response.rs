use axum::{
    Json,
    extract::Request,
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{ACCEPT, ALLOW},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::request_context::X_REQUEST_ID;

/// On an answer: no endpoint has said it.
#[derive(Clone, Copy)]
pub(crate) struct FrameworkError;

/// A no that is said before any endpoint is asked, in the shape of all errors.
pub(crate) fn invalid_request(status: StatusCode, description: &str) -> Response {
    error_response(status, "invalid_request", description)
}

pub(crate) fn error_response(status: StatusCode, error: &str, description: &str) -> Response {
    let body = serde_json::json!({ "error": error, "error_description": description });
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(FrameworkError);
    response
}

/// The path is not told back: a careless caller puts secrets there.
pub(crate) async fn unknown_path() -> Response {
    invalid_request(
        StatusCode::NOT_FOUND,
        "there is nothing at this path; /openapi.json tells what there is",
    )
}

pub(crate) async fn unknown_method() -> Response {
    invalid_request(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path is not for this method; the header Allow tells which it is for",
    )
}

/// For services that people open in a browser, around [`crate::scoped`]: what is refused before any
/// endpoint is asked, they are told by a page. Machines do not ask for HTML, and go on reading
/// JSON.
pub async fn render_html_errors(
    request: Request,
    next: Next,
    page: impl FnOnce(&Method, &Uri, &HeaderMap, StatusCode) -> Response,
) -> Response {
    let asked = reads_html(request.headers())
        .then(|| (request.method().clone(), request.uri().clone(), request.headers().clone()));
    let response = next.run(request).await;
    let Some((method, uri, headers)) =
        asked.filter(|_| response.extensions().get::<FrameworkError>().is_some())
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

fn reads_html(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|range| range.trim_start().starts_with("text/html")))
}
