use axum::{
    extract::{FromRequestParts, Request, State},
    http::{Method, request::Parts, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use pages::{Browser, Page};
use serde::Serialize;
use service_kit::render_html_errors;

use super::website_error::WebsiteError;
use crate::providers::Provider;
use crate::views::{ProviderButton, Views};

/// A [`WebsiteError`] rendered as HTML. Also the rejection of extractors.
pub struct ErrorPage(Page);

#[derive(Serialize)]
struct ErrorView {
    name: &'static str,
    /// Error code that the provider returned, in printable characters.
    code: Option<String>,
    /// The values that were compared, in English, for developers. The template translates it.
    detail: Option<String>,
    /// The page links to the account instead of offering logins.
    logged_in: bool,
    logins: Vec<ProviderButton>,
}

/// Renders a page, or the error page in its place.
pub fn page_response<T: IntoResponse>(
    views: &Views,
    browser: &Browser,
    result: Result<T, WebsiteError>,
) -> Response {
    match result {
        Ok(page) => page.into_response(),
        Err(error) => ErrorPage::new(views, browser, &error, None).into_response(),
    }
}

/// Middleware that renders responses of the framework, such as 404 and 413, as HTML for browsers.
pub async fn html_errors(State(views): State<Views>, request: Request, next: Next) -> Response {
    render_html_errors(request, next, |method, uri, headers, status| {
        let browser = Browser::of(method, uri, headers);
        ErrorPage::new(&views, &browser, &WebsiteError::BeforeHandler(status), None).into_response()
    })
    .await
}

impl ErrorPage {
    /// Renders the error of a request that failed in an extractor. After login, a `GET` request is
    /// repeated.
    pub async fn for_request(views: &Views, parts: &mut Parts, error: WebsiteError) -> Self {
        let browser = Browser::from_request_parts(parts, views).await.unwrap_or_default();
        let return_to = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        Self::new(views, &browser, &error, return_to.map(PathAndQuery::as_str))
    }

    fn new(
        views: &Views,
        browser: &Browser,
        error: &WebsiteError,
        return_to: Option<&str>,
    ) -> Self {
        let (name, status) = (error.text_key(), error.status());
        if status.is_server_error() {
            tracing::warn!(error = name, reason = %error, "page could not be served");
        } else {
            tracing::info!(error = name, reason = %error, "page request rejected");
        }
        let logins = login_buttons(views, browser, error);
        let logins = logins.into_iter().map(|button| button.with_return_to(return_to)).collect();
        let code = match error {
            WebsiteError::ProviderReturnedError(code) => Some(code.clone()),
            _ => None,
        };
        let (detail, logged_in) = (error.detail(), error.implies_login());
        let view = ErrorView { name, code, detail, logged_in, logins };
        Self(views.page_with_status(browser, status, "error", view))
    }
}

/// Returns the logins that resolve the error.
fn login_buttons(views: &Views, browser: &Browser, error: &WebsiteError) -> Vec<ProviderButton> {
    match error {
        WebsiteError::EmailTaken { providers } => {
            providers.iter().filter_map(|name| views.provider_button(browser, name)).collect()
        }
        WebsiteError::NoAccessToken => views.provider_buttons(browser, Provider::grants_b_access),
        _ => views.provider_buttons(browser, |_| true),
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
