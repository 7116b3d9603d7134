use std::sync::Arc;

use axum::{
    Extension,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::OAuthError;
use pages::Browser;

use super::AuthorizationContext;
use crate::{
    domain::Client,
    http::{NO_STORE, host_or_uri, with_query},
    pages::{ErrorKind, ErrorPage, FormPostPage, ReturnLink, render},
};

/// Destination of the authorization response.
#[derive(Clone, Debug)]
pub struct ResponseTarget {
    /// Its name is displayed on the page that posts the response.
    pub client: Arc<Client>,
    pub redirect_uri: String,
    /// Whether an error may redirect a browser whose user has not signed in. A client that
    /// registered itself could otherwise use C as an open redirector (RFC 9700 §4.11.2).
    pub approved: bool,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
}

/// How the response is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    #[default]
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    pub const NAMES: [&'static str; 2] = ["query", "form_post"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// An authorization response that a form posts, as the redirect that it replaces. An extension of
/// the HTTP response, for callers that have no browser.
#[derive(Clone)]
pub struct PostedResponse(pub Arc<str>);

/// Reports an error before the user has signed in: by redirect to an approved client, and otherwise
/// by a page with a link, so that the user sees where it leads (RFC 9700 §4.11.2).
pub fn error_response(
    to: &ResponseTarget,
    error: OAuthError,
    context: &AuthorizationContext,
    browser: &Browser,
) -> Response {
    if to.approved {
        return authorization_response(to, Err(&error), context, browser);
    }
    let href = with_query(&to.redirect_uri, &fields(to, Err(&error), context));
    let page = ErrorPage {
        return_to: Some(ReturnLink { host: host_or_uri(&to.redirect_uri), href }),
        ..ErrorPage::new(ErrorKind::Client, error)
    };
    (NO_STORE, render(&context.page.pages, browser, StatusCode::BAD_REQUEST, &page)).into_response()
}

/// Sends the browser back to the client with a code or an error. The `iss` parameter prevents
/// mix-up attacks (RFC 9207).
pub fn authorization_response(
    to: &ResponseTarget,
    result: Result<&str, &OAuthError>,
    context: &AuthorizationContext,
    browser: &Browser,
) -> Response {
    let fields = fields(to, result, context);
    match to.response_mode {
        ResponseMode::Query => redirect(&to.redirect_uri, &fields),
        ResponseMode::FormPost => {
            let posted = PostedResponse(with_query(&to.redirect_uri, &fields).into());
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let client = to.client.display_name_in(browser.language.code());
            let page = FormPostPage::new(client, &to.redirect_uri, fields);
            let page = render(&context.page.pages, browser, StatusCode::OK, &page);
            (Extension(posted), page).into_response()
        }
    }
}

/// Returns the parameters of the response.
fn fields(
    to: &ResponseTarget,
    result: Result<&str, &OAuthError>,
    context: &AuthorizationContext,
) -> Vec<(&'static str, String)> {
    let mut fields = match result {
        Ok(code) => vec![("code", code.to_owned())],
        Err(error) => {
            let description =
                error.error_description.clone().map(|text| ("error_description", text));
            [("error", error.error.as_str().to_owned())].into_iter().chain(description).collect()
        }
    };
    fields.extend(to.state.clone().map(|state| ("state", state)));
    fields.push(("iss", context.issuer.clone()));
    fields
}

fn redirect(uri: &str, fields: &[(&str, String)]) -> Response {
    let headers = [
        (header::LOCATION, with_query(uri, fields)),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (StatusCode::SEE_OTHER, NO_STORE, headers).into_response()
}
