//! Extractors, and errors as HTTP responses.

mod api_error;
mod asked_origin;
mod bearer_token;
mod browser_session;
mod client_credentials;
mod csrf;
mod form;
mod html_error;
mod json;
mod page_context;
mod posted_request;
mod redirect_target;

pub use api_error::{ApiError, NO_STORE, REQUEST_RULE};
pub use asked_origin::AskedOrigin;
pub use bearer_token::bearer_token;
pub use browser_session::{
    BrowserSession, SetCookie, SignedIn, device_cookie, new_session_cookie, remove_session_cookie,
};
pub use csrf::Csrf;
pub use form::{ClientRequest, FormBody, RawForm, has_parameter, required};
pub use html_error::{HtmlError, html_errors, page_response};
pub use json::JsonRequest;
pub use page_context::PageContext;
pub use posted_request::redirect_to_get;
pub use redirect_target::{host_or_uri, with_query};

pub use service_kit::ClientAddress;

use axum::{
    Json,
    http::{StatusCode, header::ALLOW},
    response::IntoResponse,
};

/// Responds to methods other than POST at a form endpoint.
pub async fn only_post() -> impl IntoResponse {
    let error =
        ApiError::invalid_request("this endpoint takes POST with a form body only", REQUEST_RULE);
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], NO_STORE, Json(error.error))
}
