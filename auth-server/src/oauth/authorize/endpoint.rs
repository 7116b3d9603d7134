use super::AuthorizationContext;
use axum::{
    extract::{RawQuery, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use std::sync::Arc;

use super::{Interaction, read_request};
use crate::http::RawForm;
use crate::{
    domain::InteractionProgress,
    http::{ApiError, BrowserSession, ClientAddress, HtmlError},
};

/// `GET /oauth/authorize` (RFC 6749 §3.1): a client sends the user here to be asked.
pub async fn authorize(
    State(context): State<Arc<AuthorizationContext>>,
    visitor: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    show(&context, &visitor, address, &query)
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &visitor.browser))
}

async fn show(
    context: &AuthorizationContext,
    visitor: &BrowserSession,
    address: ClientAddress,
    query: &str,
) -> Result<Response, HtmlError> {
    let request = read_request(context, &visitor.browser, query, address).await?;
    let signed_in = visitor.signed_in(&context.page).await?;
    let flow =
        Interaction { context, browser: &visitor.browser, request: &request, query, address };
    flow.proceed(signed_in.as_ref(), InteractionProgress::Nothing).await
}

/// `POST /oauth/authorize`: the same, as a form (OpenID Connect Core §3.1.2.1). The browser is sent
/// on with a GET, because it shows its session cookie on that one.
pub async fn authorize_posted(
    State(context): State<Arc<AuthorizationContext>>,
    visitor: BrowserSession,
    form: Result<RawForm, ApiError>,
) -> Response {
    match form {
        Ok(RawForm(query)) => (
            [(header::CACHE_CONTROL, "no-store")],
            Redirect::to(&format!("/oauth/authorize?{query}")),
        )
            .into_response(),
        Err(failure) => HtmlError::from(failure).page(&context.page.pages, &visitor.browser),
    }
}
