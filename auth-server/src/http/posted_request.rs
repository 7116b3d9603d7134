use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use super::{ApiError, BrowserSession, PageContext, RawForm, page_response};

/// Redirects a form that a page of a client has posted to the GET endpoint at `path`, because
/// browsers do not send the session cookie with a cross-site POST.
pub fn redirect_to_get(
    page: &PageContext,
    browser_session: &BrowserSession,
    path: &str,
    form: Result<RawForm, ApiError>,
) -> Response {
    match form {
        Ok(RawForm(query)) => {
            // The query can contain an ID token.
            let no_store = [(header::CACHE_CONTROL, "no-store")];
            (no_store, Redirect::to(&page.url(&format!("{path}?{query}")))).into_response()
        }
        Err(error) => page_response(&page.pages, &browser_session.browser, Err(error.into())),
    }
}
