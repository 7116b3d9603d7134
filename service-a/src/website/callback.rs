use axum::{
    extract::{RawQuery, State},
    response::{Redirect, Response},
};
use axum_extra::extract::CookieJar;
use pages::Browser;

use crate::{
    http::form_body::FormBody,
    http::provider_name::ProviderName,
    login::{Answer, Refusal, finish},
    state::App,
};

/// `GET /callback/{provider}`: the browser is back with an answer in the query.
pub async fn by_query(
    State(app): State<App>,
    browser: Browser,
    ProviderName(name): ProviderName,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let outcome = back(&app, &name, jar, query.unwrap_or_default().as_bytes(), false).await;
    // The state in the query is spent.
    app.answer(&browser.not_repeatable(), outcome)
}

/// `POST /callback/{provider}`: the answer in a form (OAuth 2.0 Form Post Response Mode).
pub async fn by_form(
    State(app): State<App>,
    browser: Browser,
    ProviderName(name): ProviderName,
    jar: CookieJar,
    FormBody(body): FormBody,
) -> Response {
    let outcome = back(&app, &name, jar, &body, true).await;
    app.answer(&browser, outcome)
}

async fn back(
    app: &App,
    name: &str,
    jar: CookieJar,
    encoded: &[u8],
    by_form: bool,
) -> Result<(CookieJar, Redirect), Refusal> {
    let provider = app.website.provider(name).ok_or(Refusal::NoSuchProvider)?;
    // A code in a query stands in histories and logs; a provider that was asked for a form has no
    // reason to put it there.
    if provider.answers_by_form_post() != by_form {
        return Err(Refusal::BadAnswer("it comes in another way than it was asked for".to_owned()));
    }
    let (jar, return_to) = finish(&app.website, provider, jar, &Answer::read(encoded)?).await?;
    Ok((jar, Redirect::to(return_to.as_str())))
}
