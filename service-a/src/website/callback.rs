use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;

use crate::{
    http::{
        error_page::page_response, form_body::FormBody, provider_name::ProviderName,
        website_error::WebsiteError,
    },
    login::{AuthorizationResponse, finish_login},
    services::Services,
    views::Views,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseMode {
    Query,
    FormPost,
}

/// `GET /callback/{provider}`: the authorization response in the query.
pub async fn by_query(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let result = finish(&services, &name, jar, query.as_bytes(), ResponseMode::Query).await;
    // The `state` in the query is consumed, so the same URL in another language would fail.
    page_response(&views, &browser.not_repeatable(), result)
}

/// `POST /callback/{provider}`: the authorization response in a form (OAuth 2.0 Form Post Response
/// Mode).
pub async fn by_form(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    jar: CookieJar,
    FormBody(body): FormBody,
) -> Response {
    let result = finish(&services, &name, jar, &body, ResponseMode::FormPost).await;
    page_response(&views, &browser, result)
}

async fn finish(
    services: &Services,
    name: &str,
    jar: CookieJar,
    encoded: &[u8],
    mode: ResponseMode,
) -> Result<(CookieJar, Redirect), WebsiteError> {
    let provider = services.provider(name).ok_or(WebsiteError::UnknownProvider)?;
    // A provider that A asked for `form_post` must not put the code in a query, which ends up in
    // browser histories and logs.
    if provider.uses_form_post() != (mode == ResponseMode::FormPost) {
        return Err(WebsiteError::InvalidResponse("wrong response mode".to_owned()));
    }
    let response = AuthorizationResponse::parse(encoded)?;
    let (jar, return_to) = finish_login(services, provider, jar, &response).await?;
    Ok((jar, Redirect::to(return_to.as_str())))
}
