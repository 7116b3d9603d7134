use super::AuthorizationContext;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use form_urlencoded::Serializer;
use oauth_types::OAuthError;
use pages::Browser;

use crate::{
    http::NO_STORE,
    pages::{FormPostPage, render},
};

/// Destination of the authorization response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTarget {
    /// Displayed on the page that posts the response.
    pub client_name: String,
    pub redirect_uri: String,
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

/// Sends the browser back to the client with a code or an error. The `iss` parameter prevents
/// mix-up attacks (RFC 9207).
pub fn answer(
    to: &ResponseTarget,
    result: Result<&str, &OAuthError>,
    context: &AuthorizationContext,
    browser: &Browser,
) -> Response {
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
    match to.response_mode {
        ResponseMode::Query => redirect(&to.redirect_uri, &fields),
        ResponseMode::FormPost => {
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let page = FormPostPage::new(&to.client_name, &to.redirect_uri, fields);
            render(&context.page.pages, browser, StatusCode::OK, &page).into_response()
        }
    }
}

/// Redirects to the client. Keeps a query that the redirect URI already contains (RFC 6749 §3.1.2).
fn redirect(uri: &str, fields: &[(&str, String)]) -> Response {
    let query = Serializer::new(String::new()).extend_pairs(fields).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    let headers = [
        (header::LOCATION, format!("{uri}{joint}{query}")),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (StatusCode::SEE_OTHER, NO_STORE, headers).into_response()
}
