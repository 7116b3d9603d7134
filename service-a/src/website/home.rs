use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;
use pages::Browser;
use serde::Serialize;

use crate::{
    http::{
        cookies::{CookieUse, Cookies},
        session::LoggedIn,
    },
    random_id::RandomId,
    services::Services,
    views::{ProviderButton, Views},
};

#[derive(Serialize)]
struct HomeView {
    logins: Vec<ProviderButton>,
    logged_in: bool,
    nickname: Option<String>,
    csrf_token: Option<String>,
    /// The browser returned from logout at the provider.
    logged_out: bool,
}

/// `GET /`: the login buttons, or the name of the logged-in user.
pub async fn home(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    logged_in: Option<LoggedIn>,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let cookies = Cookies::for_website(&services.public_url);
    let view = HomeView {
        logins: views.provider_buttons(&browser, |_| true),
        logged_in: logged_in.is_some(),
        csrf_token: logged_in.as_ref().map(LoggedIn::csrf_token),
        nickname: logged_in.and_then(|logged_in| logged_in.account.nickname),
        logged_out: returns_from_logout(cookies, &jar, query.as_deref()),
    };
    let page = views.page(&browser, "home", &view).without_form_action();
    if view.logged_out {
        return (cookies.remove(CookieJar::new(), CookieUse::Logout), page).into_response();
    }
    page.into_response()
}

/// Compares the `state` of RP-initiated logout with the cookie, so that a link on another site
/// cannot make the page report a logout.
fn returns_from_logout(cookies: Cookies, jar: &CookieJar, query: Option<&str>) -> bool {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let state = form.get("state").and_then(RandomId::parse);
    let expected = cookies.read(jar, CookieUse::Logout);
    state.zip(expected).is_some_and(|(state, expected)| state.digest() == expected.digest())
}
