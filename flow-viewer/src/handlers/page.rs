use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use pages::{Browser, Language};
use service_kit::render_html_errors;

use crate::{compression::compressed, page};

/// Scripts, styles and requests only from and to this server; framing is forbidden.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// `GET /`, `GET /flows` and `GET /flows/{id}`: the page. It fetches its data from the API.
pub async fn page(browser: Browser, request: HeaderMap) -> Response {
    let html = compressed(page::html(browser.language), &request);
    respond(&browser, StatusCode::OK, html)
}

/// Middleware that renders unknown addresses as a page, if the request accepts HTML.
pub async fn html_errors(request: Request, next: Next) -> Response {
    render_html_errors(request, next, |method, uri, headers, status| {
        let browser = Browser::of(method, uri, headers);
        respond(&browser, status, page::not_found(browser.language).into_response())
    })
    .await
}

fn respond(browser: &Browser, status: StatusCode, html: Response) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CONTENT_LANGUAGE, HeaderValue::from_static(browser.language.code())),
    ];
    let mut response = (status, headers, html).into_response();
    if let Some(language) = browser.requested_language {
        let cookie = match language {
            Language::English => "gatepass-language=en; Path=/; Max-Age=31536000; SameSite=Lax",
            Language::Chinese => "gatepass-language=zh; Path=/; Max-Age=31536000; SameSite=Lax",
        };
        response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    response
}
