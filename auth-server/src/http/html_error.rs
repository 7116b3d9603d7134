use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flow_events::current_trace;
use oauth_types::ErrorCode;
use pages::Browser;
use service_kit::render_html_errors;

use super::Failure;
use crate::{
    pages::{ErrorKind, ErrorPage, render},
    secure_random::NoEntropy,
    state::App,
    storage::StoreError,
};

/// Why the user is not shown the page that they came for. Each says what happened, and what to do
/// next.
#[derive(Debug)]
pub enum PageFailure {
    /// The address that the browser was sent to is not right: the client's mistake, or somebody's
    /// trick.
    BadRequest(ErrorKind, String),
    /// The form is not one that this browser was shown, or was shown too long ago.
    ForeignForm,
    /// No page was asked yet: there is none at this address, or the form is too long or broke off.
    Beforehand(StatusCode),
    /// C cannot serve right now.
    Unavailable(String),
    /// It is not a page at all: the client was answered.
    Answered(Box<Response>),
}

impl PageFailure {
    /// The page, in the user's language.
    pub fn page(self, app: &App, browser: &Browser) -> Response {
        match self {
            Self::Answered(response) => *response,
            Self::BadRequest(kind, reason) => error_page(
                app,
                browser,
                StatusCode::BAD_REQUEST,
                kind,
                ErrorCode::InvalidRequest,
                Some(reason),
            ),
            Self::ForeignForm => {
                let (status, code) = (StatusCode::FORBIDDEN, ErrorCode::AccessDenied);
                error_page(app, browser, status, ErrorKind::ForgedForm, code, None)
            }
            Self::Beforehand(status) => {
                let (kind, code) = match status {
                    StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                        (ErrorKind::NotFound, ErrorCode::InvalidRequest)
                    }
                    status if status.is_client_error() => {
                        (ErrorKind::UnreadableBody, ErrorCode::InvalidRequest)
                    }
                    _ => (ErrorKind::ServerError, ErrorCode::ServerError),
                };
                error_page(app, browser, status, kind, code, None)
            }
            Self::Unavailable(reason) => {
                tracing::error!(%reason, "a page could not be served");
                let (status, code) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable);
                let page = error_page(app, browser, status, ErrorKind::ServerError, code, None);
                ([(header::RETRY_AFTER, "5")], page).into_response()
            }
        }
    }
}

fn error_page(
    app: &App,
    browser: &Browser,
    status: StatusCode,
    kind: ErrorKind,
    code: ErrorCode,
    detail: Option<String>,
) -> Response {
    let request_id = current_trace().map(|trace| trace.trace_id.to_string());
    let (error, rule) = (code.as_str().to_owned(), kind.rule());
    let page = ErrorPage { kind, error, detail, rule, request_id };
    render(&app.pages, browser, status, &page).into_response()
}

impl From<Failure> for PageFailure {
    fn from(failure: Failure) -> Self {
        match failure.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::Beforehand(StatusCode::PAYLOAD_TOO_LARGE),
            status if status.is_server_error() => Self::Unavailable(failure.error.to_string()),
            _ => Self::BadRequest(ErrorKind::InvalidRequest, failure.error.to_string()),
        }
    }
}

/// People are told by a page, too, what is refused before any endpoint is asked.
pub async fn beforehand(State(app): State<App>, request: Request, next: Next) -> Response {
    render_html_errors(request, next, |method, uri, headers, status| {
        PageFailure::Beforehand(status).page(&app, &Browser::of(method, uri, headers))
    })
    .await
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::AlreadyConsumed => Self::BadRequest(
                ErrorKind::Expired,
                "it was answered before, perhaps in another window".to_owned(),
            ),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<NoEntropy> for PageFailure {
    fn from(error: NoEntropy) -> Self {
        Self::Unavailable(error.to_string())
    }
}
