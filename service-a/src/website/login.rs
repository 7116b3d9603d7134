use axum::{
    extract::{RawQuery, State},
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;
use pages::Browser;

use crate::{
    accounts::Purpose,
    http::provider_name::ProviderName,
    http::session::LoggedIn,
    login::{Refusal, ReturnTo, Start, begin},
    state::App,
};

/// `GET /login/{provider}?return_to=`: away to the provider.
pub async fn login(
    State(app): State<App>,
    browser: Browser,
    ProviderName(name): ProviderName,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let outcome = away(&app, &name, logged_in, jar, query).await;
    app.answer(&browser, outcome)
}

async fn away(
    app: &App,
    name: &str,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    query: Option<String>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let website = &app.website;
    let provider = website.provider(name).ok_or(Refusal::NoSuchProvider)?;
    let asked = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    // A bad address is dropped rather than refused: whoever made the link, the person wants to log
    // in.
    let return_to =
        asked.get("return_to").and_then(|asked| ReturnTo::parse(asked, &website.public_url));
    let start = Start {
        provider,
        purpose: Purpose::LogIn,
        session: logged_in.map(|logged_in| logged_in.session.id),
        return_to: return_to.unwrap_or_default(),
    };
    let (jar, url) = begin(website, jar, start).await?;
    Ok((jar, Redirect::to(url.as_str())))
}
