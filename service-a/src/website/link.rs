use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::State,
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;
use service_kit::ClientAddress;

use super::account::form_expired;
use crate::{
    accounts::LoginPurpose,
    http::{
        error_page::page_response, form_body::FormBody, provider_name::ProviderName,
        session::LoggedIn, website_error::WebsiteError,
    },
    login::{LoginRequest, ReturnTo, start_login},
    services::Services,
    views::Views,
};

/// `POST /link/{provider}`: starts a login whose identity is linked to the current account.
pub async fn link(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    logged_in: LoggedIn,
    (ClientAddress(address), jar): (ClientAddress, CookieJar),
    FormBody(body): FormBody,
) -> Response {
    if logged_in.parse_form(&body).is_none() {
        return form_expired(&services, &views, &browser, logged_in);
    }
    let result = start(&services, &name, (&logged_in, address), jar).await;
    page_response(&views, &browser, result)
}

async fn start(
    services: &Services,
    name: &str,
    (logged_in, address): (&LoggedIn, IpAddr),
    jar: CookieJar,
) -> Result<(CookieJar, Redirect), WebsiteError> {
    let request = LoginRequest {
        provider: services.provider(name).ok_or(WebsiteError::UnknownProvider)?,
        address,
        purpose: LoginPurpose::Link,
        session: Some(logged_in.session.id),
        return_to: ReturnTo::default(),
        login_hint: None,
    };
    let (jar, url) = start_login(services, jar, request).await?;
    Ok((jar, Redirect::to(url.as_str())))
}
