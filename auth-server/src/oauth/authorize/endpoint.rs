use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};

use super::{AuthorizationContext, Interaction, read_request};
use crate::{
    domain::InteractionProgress,
    http::{
        ApiError, BrowserSession, ClientAddress, HtmlError, RawForm, has_parameter, page_response,
        redirect_to_get,
    },
};

/// `GET /oauth/authorize` (RFC 6749 §3.1): starts an authorization request in the user's browser.
pub async fn authorize(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let browser = browser_session.browser.clone();
    let response = respond(&context, browser_session, address, &query).await;
    page_response(&context.page.pages, &browser, response)
}

async fn respond(
    context: &AuthorizationContext,
    browser_session: BrowserSession,
    address: ClientAddress,
    query: &str,
) -> Result<Response, HtmlError> {
    // Pushed and signed requests are bound to this cookie.
    let (browser_session, cookie) = if names_stored_request(query) {
        browser_session.ensure_browser_id(&context.page)?
    } else {
        (browser_session, None)
    };
    let response = proceed(context, &browser_session, address, query).await;
    let response = page_response(&context.page.pages, &browser_session.browser, response);
    Ok((cookie, response).into_response())
}

/// Returns whether the request is pushed, or signed and thus stored for the pages that follow.
pub fn names_stored_request(query: &str) -> bool {
    has_parameter(query, "request") || has_parameter(query, "request_uri")
}

async fn proceed(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    query: &str,
) -> Result<Response, HtmlError> {
    let request = read_request(context, browser_session, query, address).await?;
    let signed_in = browser_session.signed_in(&context.page).await?;
    let flow = Interaction { context, browser_session, request: &request, query, address };
    flow.proceed(signed_in.as_ref(), InteractionProgress::Nothing).await
}

/// `POST /oauth/authorize`: accepts the request as a form (OpenID Connect Core §3.1.2.1).
pub async fn authorize_posted(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    form: Result<RawForm, ApiError>,
) -> Response {
    redirect_to_get(&context.page, &browser_session, "/oauth/authorize", form)
}
