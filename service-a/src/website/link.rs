use axum::{
    extract::State,
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;

use crate::{
    accounts::Purpose,
    http::form_body::FormBody,
    http::provider_name::ProviderName,
    http::session::LoggedIn,
    login::{Refusal, ReturnTo, Start, begin},
    state::App,
};

/// `POST /link/{provider}`: log in with another provider, and join it to the account that is logged
/// in.
pub async fn link(
    State(app): State<App>,
    browser: Browser,
    ProviderName(name): ProviderName,
    logged_in: LoggedIn,
    jar: CookieJar,
    FormBody(body): FormBody,
) -> Response {
    let outcome = away(&app, &name, &logged_in, jar, &body).await;
    app.answer(&browser, outcome)
}

async fn away(
    app: &App,
    name: &str,
    logged_in: &LoggedIn,
    jar: CookieJar,
    body: &[u8],
) -> Result<(CookieJar, Redirect), Refusal> {
    logged_in.own_form(body)?;
    let start = Start {
        provider: app.website.provider(name).ok_or(Refusal::NoSuchProvider)?,
        purpose: Purpose::Link,
        session: Some(logged_in.session.id),
        return_to: ReturnTo::default(),
    };
    let (jar, url) = begin(&app.website, jar, start).await?;
    Ok((jar, Redirect::to(url.as_str())))
}
