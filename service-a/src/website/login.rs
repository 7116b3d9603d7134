use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use form_urlencoded::Serializer;
use oauth_types::Form;
use pages::Browser;
use service_kit::ClientAddress;

use crate::{
    accounts::LoginPurpose,
    http::{
        error_page::page_response, form_body::FormBody, provider_name::ProviderName,
        session::LoggedIn, website_error::WebsiteError,
    },
    login::{LoginRequest, ReturnTo, start_login},
    login_checks::bounded,
    providers::Provider,
    services::Services,
    views::Views,
};

/// Maximum length of a `login_hint` that is passed on, in bytes. An e-mail address has at most 254.
const MAX_LOGIN_HINT: usize = 255;

/// `GET /login/{provider}?return_to=`: redirects to the provider.
///
/// Another site can start the login too, typically the provider: this is the `initiate_login_uri`
/// of OpenID Connect Core §4, with `iss`, `login_hint` and `target_link_uri`.
pub async fn login(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    logged_in: Option<LoggedIn>,
    (ClientAddress(address), jar): (ClientAddress, CookieJar),
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let caller = (logged_in, address);
    let result = start(&services, &name, caller, jar, query.as_bytes()).await;
    page_response(&views, &browser, result)
}

/// `POST /login/{provider}`: the same with a form, which OpenID Connect Core §4 also allows.
///
/// Redirects to the `GET` request. The form of another site comes without the `SameSite=Lax` cookie
/// that binds the logins of all tabs to this browser. Without it, this login would replace it, and
/// the others could not finish. The redirected request has it.
pub async fn login_by_form(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    ProviderName(name): ProviderName,
    FormBody(body): FormBody,
) -> Response {
    page_response(&views, &browser, redirect_to_login(&services, &name, &body))
}

fn redirect_to_login(
    services: &Services,
    name: &str,
    body: &[u8],
) -> Result<Redirect, WebsiteError> {
    let provider = services.provider(name).ok_or(WebsiteError::UnknownProvider)?;
    let form = Form::parse(body).unwrap_or_default();
    check_issuer(provider, &form)?;
    let mut query = Serializer::new(String::new());
    for parameter in ["iss", "login_hint", "target_link_uri"] {
        query.extend_pairs(form.get(parameter).map(|value| (parameter, value)));
    }
    Ok(Redirect::to(&format!("/login/{}?{}", provider.name, query.finish())))
}

fn check_issuer(provider: &Provider, form: &Form) -> Result<(), WebsiteError> {
    match form.get("iss") {
        Some(iss) if iss != provider.issuer() => Err(WebsiteError::OtherIssuer {
            expected: provider.issuer().to_owned(),
            found: bounded(iss),
        }),
        _ => Ok(()),
    }
}

async fn start(
    services: &Services,
    name: &str,
    (logged_in, address): (Option<LoggedIn>, IpAddr),
    jar: CookieJar,
    parameters: &[u8],
) -> Result<(CookieJar, Redirect), WebsiteError> {
    let provider = services.provider(name).ok_or(WebsiteError::UnknownProvider)?;
    let form = Form::parse(parameters).unwrap_or_default();
    check_issuer(provider, &form)?;
    // Invalid values are ignored instead of rejected, so that the login still works.
    let return_to = form
        .get("return_to")
        .and_then(|path| ReturnTo::parse(path, &services.public_url))
        .or_else(|| ReturnTo::parse_url(form.get("target_link_uri")?, &services.public_url));
    let login_hint = form
        .get("login_hint")
        .filter(|hint| hint.len() <= MAX_LOGIN_HINT && !hint.chars().any(char::is_control));
    let request = LoginRequest {
        provider,
        address,
        purpose: LoginPurpose::LogIn,
        session: logged_in.map(|logged_in| logged_in.session.id),
        return_to: return_to.unwrap_or_default(),
        login_hint: login_hint.map(str::to_owned),
    };
    let (jar, url) = start_login(services, jar, request).await?;
    Ok((jar, Redirect::to(url.as_str())))
}
