use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flow_events::current_trace;
use oauth_types::ErrorCode;
use pages::{Browser, Pages};
use service_kit::render_html_errors;

use super::ApiError;
use crate::{
    pages::{ErrorKind, ErrorPage, render},
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// Why a page could not be served. Each error page states what happened and what to do next.
#[derive(Debug)]
pub enum HtmlError {
    /// The request is invalid: a bug of the client or an attack.
    BadRequest(ErrorKind, String),
    /// The CSRF token was not issued to this browser or has expired.
    CsrfMismatch,
    /// The request did not reach a handler: no route matches, or its body is too long or
    /// incomplete.
    BeforeHandler(StatusCode),
    /// C cannot process the request at present.
    Unavailable(String),
    /// Not an error page: a complete response to the client.
    Answered(Box<Response>),
}

impl HtmlError {
    /// Renders the error in the language of the user.
    pub fn page(self, pages: &Pages, browser: &Browser) -> Response {
        match self {
            Self::Answered(response) => *response,
            Self::BadRequest(kind, reason) => error_page(
                pages,
                browser,
                StatusCode::BAD_REQUEST,
                kind,
                ErrorCode::InvalidRequest,
                Some(reason),
            ),
            Self::CsrfMismatch => {
                let (status, code) = (StatusCode::FORBIDDEN, ErrorCode::AccessDenied);
                error_page(pages, browser, status, ErrorKind::ForgedForm, code, None)
            }
            Self::BeforeHandler(status) => {
                let (kind, code) = match status {
                    StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                        (ErrorKind::NotFound, ErrorCode::InvalidRequest)
                    }
                    status if status.is_client_error() => {
                        (ErrorKind::UnreadableBody, ErrorCode::InvalidRequest)
                    }
                    _ => (ErrorKind::ServerError, ErrorCode::ServerError),
                };
                error_page(pages, browser, status, kind, code, None)
            }
            Self::Unavailable(reason) => {
                tracing::error!(%reason, "failed to serve a page");
                let (status, code) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable);
                let page = error_page(pages, browser, status, ErrorKind::ServerError, code, None);
                ([(header::RETRY_AFTER, "5")], page).into_response()
            }
        }
    }
}

fn error_page(
    pages: &Pages,
    browser: &Browser,
    status: StatusCode,
    kind: ErrorKind,
    code: ErrorCode,
    detail: Option<String>,
) -> Response {
    let request_id = current_trace().map(|trace| trace.trace_id.to_string());
    let (error, rule) = (code.as_str().to_owned(), kind.rule());
    let page = ErrorPage { kind, error, detail, rule, request_id };
    render(pages, browser, status, &page).into_response()
}

impl From<ApiError> for HtmlError {
    fn from(failure: ApiError) -> Self {
        match failure.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::BeforeHandler(StatusCode::PAYLOAD_TOO_LARGE),
            status if status.is_server_error() => Self::Unavailable(failure.error.to_string()),
            _ => Self::BadRequest(ErrorKind::InvalidRequest, failure.error.to_string()),
        }
    }
}

/// Middleware that renders errors raised before any handler as HTML.
pub async fn html_errors(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    render_html_errors(request, next, |method, uri, headers, status| {
        HtmlError::BeforeHandler(status).page(&pages, &Browser::of(method, uri, headers))
    })
    .await
}

impl From<StoreError> for HtmlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::AlreadyConsumed => Self::BadRequest(
                ErrorKind::Expired,
                "the request was already answered, perhaps in another window".to_owned(),
            ),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<SecureRandomError> for HtmlError {
    fn from(error: SecureRandomError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
