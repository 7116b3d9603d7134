use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;
use pages::Browser;
use serde::Serialize;

use crate::{
    http::cookies::CookieUse, http::session::LoggedIn, random_id::RandomId, state::App,
    views::ProviderButton,
};

#[derive(Serialize)]
struct Home {
    logins: Vec<ProviderButton>,
    logged_in: bool,
    nickname: Option<String>,
    csrf_token: Option<String>,
    /// The browser has just come back from logging out at the provider.
    logged_out: bool,
}

/// `GET /`: who is logged in, or with whom one can log in.
pub async fn home(
    State(app): State<App>,
    browser: Browser,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let home = Home {
        logins: ProviderButton::all(&app, &browser),
        logged_in: logged_in.is_some(),
        csrf_token: logged_in.as_ref().map(LoggedIn::csrf_token),
        nickname: logged_in.and_then(|logged_in| logged_in.account.nickname),
        logged_out: comes_from_logout(&app, &jar, query.as_deref()),
    };
    let page = app.page(&browser, "home", &home).form_action(&app.website.browser_urls());
    if home.logged_out {
        return (app.website.cookies.take_back(CookieJar::new(), CookieUse::Logout), page)
            .into_response();
    }
    page.into_response()
}

/// The `state` of RP-initiated logout: anybody can make a link to this page, but not one that says
/// this.
fn comes_from_logout(app: &App, jar: &CookieJar, query: Option<&str>) -> bool {
    let asked = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let state = asked.get("state").and_then(RandomId::shown);
    let expected = app.website.cookies.shown(jar, CookieUse::Logout);
    state.zip(expected).is_some_and(|(state, expected)| state.digest() == expected.digest())
}
