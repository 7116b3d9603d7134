use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oauth_types::{ErrorCode, OAuthError};
use pages::{Browser, Pages};
use service_kit::render_html_errors;

use super::ApiError;
use crate::{
    clients::DocumentError,
    pages::{ErrorKind, ErrorPage, RedirectUriComparison, render},
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// Why a page could not be served. Each error page states what happened and what to do next.
#[derive(Debug)]
pub enum HtmlError {
    /// The request is invalid: a bug of the client or an attack. The error links to its rule.
    BadRequest(ErrorKind, OAuthError),
    /// The redirect URI of the request is not registered.
    UnregisteredRedirectUri(OAuthError, RedirectUriComparison),
    /// The request did not reach a handler: no route matches, or its body is too long or
    /// incomplete.
    BeforeHandler(StatusCode),
    /// C cannot process the request at present.
    Unavailable(String),
    /// What the request needs is not available at present, through no fault of C. The user can try
    /// again after these seconds.
    RetryLater { status: StatusCode, retry_after: u64, error: OAuthError },
    /// Not an error page: a complete response to the client.
    Answered(Box<Response>),
}

impl HtmlError {
    /// Returns the error code, if the request or what it needs is at fault.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::BadRequest(_, error)
            | Self::UnregisteredRedirectUri(error, _)
            | Self::RetryLater { error, .. } => Some(error.error),
            Self::BeforeHandler(_) | Self::Unavailable(_) | Self::Answered(_) => None,
        }
    }

    /// Renders the error in the language of the user.
    pub fn page(self, pages: &Pages, browser: &Browser) -> Response {
        match self {
            Self::Answered(response) => *response,
            Self::BadRequest(kind, error) => {
                error_page(pages, browser, StatusCode::BAD_REQUEST, kind, error)
            }
            Self::UnregisteredRedirectUri(error, compared) => {
                let page = ErrorPage {
                    redirect_uris: Some(compared),
                    ..ErrorPage::new(ErrorKind::RedirectUri, error)
                };
                render(pages, browser, StatusCode::BAD_REQUEST, &page).into_response()
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
                error_page(pages, browser, status, kind, bare(code))
            }
            Self::RetryLater { status, retry_after, error } => {
                let page = error_page(pages, browser, status, ErrorKind::Unavailable, error);
                ([(header::RETRY_AFTER, retry_after.to_string())], page).into_response()
            }
            Self::Unavailable(reason) => {
                tracing::error!(%reason, "failed to serve a page");
                let (status, code) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable);
                let page = error_page(pages, browser, status, ErrorKind::ServerError, bare(code));
                ([(header::RETRY_AFTER, "5")], page).into_response()
            }
        }
    }
}

/// Returns a page, or the error page in its place.
pub fn page_response(
    pages: &Pages,
    browser: &Browser,
    result: Result<Response, HtmlError>,
) -> Response {
    result.unwrap_or_else(|error| error.page(pages, browser))
}

/// Returns an error whose text for users says everything.
fn bare(error: ErrorCode) -> OAuthError {
    OAuthError { error, error_description: None, error_uri: None }
}

fn error_page(
    pages: &Pages,
    browser: &Browser,
    status: StatusCode,
    kind: ErrorKind,
    error: OAuthError,
) -> Response {
    render(pages, browser, status, &ErrorPage::new(kind, error)).into_response()
}

impl From<ApiError> for HtmlError {
    fn from(error: ApiError) -> Self {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::BeforeHandler(StatusCode::PAYLOAD_TOO_LARGE),
            status if status.is_server_error() => Self::Unavailable(error.error.to_string()),
            _ => Self::BadRequest(ErrorKind::InvalidRequest, error.error),
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

impl From<DocumentError> for HtmlError {
    fn from(error: DocumentError) -> Self {
        let text = error.to_string();
        let Some(retry_after) = error.retry_after() else {
            let error = OAuthError::new(ErrorCode::InvalidClient, text);
            return Self::BadRequest(ErrorKind::UnknownClient, error);
        };
        let status = match error {
            DocumentError::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
        Self::RetryLater { status, retry_after, error }
    }
}

impl From<StoreError> for HtmlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::AlreadyConsumed => Self::BadRequest(
                ErrorKind::Expired,
                OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "the request was already answered, perhaps in another window",
                ),
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
