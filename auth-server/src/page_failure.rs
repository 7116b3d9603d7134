use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use pages::Browser;

use crate::{app::App, entropy::NoEntropy, failure::Failure, pages::ErrorPage, store::StoreError};

/// Why the user is not shown the page that they came for. Each says what happened, and what to do next.
#[derive(Debug)]
pub enum PageFailure {
    /// The address that the browser was sent to is not right: the client's mistake, or somebody's trick.
    BadRequest(String),
    /// The form is not one that this browser was shown, or was shown too long ago.
    ForeignForm,
    /// C cannot serve right now.
    Unavailable(String),
    /// It is not a page at all: the client was answered.
    Answered(Response),
}

impl PageFailure {
    /// The page, in the user's language.
    pub fn page(self, app: &App, browser: &Browser) -> Response {
        let show = |status, kind, detail| ErrorPage { kind, detail }.page(&app.pages, browser, status).into_response();
        match self {
            Self::Answered(response) => response,
            Self::BadRequest(reason) => show(StatusCode::BAD_REQUEST, "bad_request", Some(reason)),
            Self::ForeignForm => show(StatusCode::FORBIDDEN, "foreign_form", None),
            Self::Unavailable(reason) => {
                tracing::error!(%reason, "a page could not be served");
                let page = show(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None);
                ([(header::RETRY_AFTER, "5")], page).into_response()
            }
        }
    }
}

impl From<Failure> for PageFailure {
    fn from(failure: Failure) -> Self {
        Self::BadRequest(failure.error.to_string())
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<NoEntropy> for PageFailure {
    fn from(error: NoEntropy) -> Self {
        Self::Unavailable(error.to_string())
    }
}
