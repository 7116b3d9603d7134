use axum::{
    extract::State,
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;

use crate::{
    http::cookies::CookieUse, http::form_body::FormBody, http::session::LoggedIn, login::Refusal,
    providers::UserTokens, random_id::RandomId, secure_random::NoEntropy, state::App,
};

/// How long a person may take at the provider, in seconds.
const PATIENCE: i64 = 600;

/// `POST /logout`: out here, then at the provider (OpenID Connect RP-Initiated Logout 1.0).
pub async fn logout(
    State(app): State<App>,
    browser: Browser,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    FormBody(body): FormBody,
) -> Response {
    let outcome = match logged_in {
        Some(logged_in) => end(&app, &logged_in, jar, &body).await,
        // The session has ended by itself meanwhile: that is what was wanted.
        None => Ok((app.website.cookies.take_back(jar, CookieUse::Session), Redirect::to("/"))),
    };
    app.answer(&browser, outcome)
}

async fn end(
    app: &App,
    logged_in: &LoggedIn,
    jar: CookieJar,
    body: &[u8],
) -> Result<(CookieJar, Redirect), Refusal> {
    logged_in.own_form(body)?;
    let website = &app.website;
    website.accounts.end_session(&logged_in.session.id).await?;
    let jar = website.cookies.take_back(jar, CookieUse::Session);
    Ok(at_provider(app, logged_in, jar).await?)
}

async fn at_provider(
    app: &App,
    logged_in: &LoggedIn,
    jar: CookieJar,
) -> Result<(CookieJar, Redirect), NoEntropy> {
    let (website, state) = (&app.website, RandomId::new(&app.website.entropy)?);
    let tokens = UserTokens::open(&logged_in.secret, &logged_in.session.tokens);
    let provider = website.provider(&logged_in.session.provider);
    let url = match provider.zip(tokens) {
        Some((provider, tokens)) => {
            provider.end_session_url(&tokens, website.public_url.as_str(), &state).await
        }
        None => None,
    };
    Ok(match url {
        Some(url) => (
            website.cookies.hand_out(jar, CookieUse::Logout, &state, PATIENCE),
            Redirect::to(url.as_str()),
        ),
        None => (jar, Redirect::to("/")),
    })
}
