use std::sync::Arc;

use axum::{
    extract::State,
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;

use super::account::form_expired;
use crate::{
    http::{
        cookies::{CookieUse, Cookies},
        error_page::page_response,
        form_body::FormBody,
        session::LoggedIn,
        website_error::WebsiteError,
    },
    providers::UserTokens,
    random_id::RandomId,
    secure_random::SecureRandomError,
    services::Services,
    views::Views,
};

/// Time that the logout at the provider may take, in seconds.
const LOGOUT_TTL: i64 = 600;

/// `POST /logout`: ends the session, then redirects to the logout of the provider (OpenID Connect
/// RP-Initiated Logout 1.0).
pub async fn logout(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    FormBody(body): FormBody,
) -> Response {
    let cookies = Cookies::for_website(&services.public_url);
    let result = match logged_in {
        Some(logged_in) if logged_in.parse_form(&body).is_none() => {
            return form_expired(&services, &views, &browser, logged_in);
        }
        Some(logged_in) => end_session(&services, cookies, &logged_in, jar).await,
        // The session has already ended.
        None => Ok((cookies.remove(jar, CookieUse::Session), Redirect::to("/"))),
    };
    page_response(&views, &browser, result)
}

async fn end_session(
    services: &Services,
    cookies: Cookies,
    logged_in: &LoggedIn,
    jar: CookieJar,
) -> Result<(CookieJar, Redirect), WebsiteError> {
    services.accounts.end_session(&logged_in.session.id).await?;
    let jar = cookies.remove(jar, CookieUse::Session);
    Ok(redirect_to_provider(services, cookies, logged_in, jar).await?)
}

async fn redirect_to_provider(
    services: &Services,
    cookies: Cookies,
    logged_in: &LoggedIn,
    jar: CookieJar,
) -> Result<(CookieJar, Redirect), SecureRandomError> {
    let state = RandomId::generate(services.random)?;
    let tokens = UserTokens::open(&logged_in.secret, &logged_in.session.sealed_tokens);
    let provider = services.provider(&logged_in.session.provider);
    let url = match provider.zip(tokens) {
        Some((provider, tokens)) => {
            provider.end_session_url(&tokens, services.public_url.as_str(), &state).await
        }
        None => None,
    };
    Ok(match url {
        Some(url) => {
            (cookies.set(jar, CookieUse::Logout, &state, LOGOUT_TTL), Redirect::to(url.as_str()))
        }
        None => (jar, Redirect::to("/")),
    })
}
