use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;
use pages::Browser;

use crate::{
    accounts::LoginPurpose,
    http::{
        error_page::page_response, page_error::PageError, provider_name::ProviderName,
        session::LoggedIn,
    },
    login::{LoginRequest, ReturnTo, start_login},
    services::Services,
    views::Views,
};

/// `GET /login/{provider}?return_to=`: redirects to the provider.
pub async fn login(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let result = start(&services, &name, logged_in, jar, query).await;
    page_response(&views, &browser, result)
}

async fn start(
    services: &Services,
    name: &str,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    query: Option<String>,
) -> Result<(CookieJar, Redirect), PageError> {
    let provider = services.provider(name).ok_or(PageError::UnknownProvider)?;
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    // An invalid address is ignored instead of rejected, so that the login still works.
    let return_to =
        form.get("return_to").and_then(|path| ReturnTo::parse(path, &services.public_url));
    let request = LoginRequest {
        provider,
        purpose: LoginPurpose::LogIn,
        session: logged_in.map(|logged_in| logged_in.session.id),
        return_to: return_to.unwrap_or_default(),
    };
    let (jar, url) = start_login(services, jar, request).await?;
    Ok((jar, Redirect::to(url.as_str())))
}
