use axum::{
    extract::{RawQuery, State},
    http::Method,
    response::Response,
};
use oauth_types::Form;
use pages::Browser;
use serde::Serialize;

use crate::{
    b_client::{Answer, Call},
    http::session::LoggedIn,
    login::Refusal,
    providers::UserTokens,
    settings::Target,
    state::App,
    user_tokens,
};

#[derive(Serialize)]
struct MyResource {
    target: &'static str,
    /// B was shown a pass that names A as the one who acts.
    exchanged: bool,
    answer: String,
}

/// `GET /my-resource`: A calls B with the pass of the person who is logged in: the B that checks
/// passes by itself, or with `?target=introspection` the one that asks C.
pub async fn my_resource(
    State(app): State<App>,
    browser: Browser,
    logged_in: LoggedIn,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let (name, target) = match asked.get("target") {
        Some("introspection") => ("introspection", &app.targets.introspection),
        _ => ("local", &app.targets.local),
    };
    let outcome = ask_b(&app, &logged_in, target).await;
    let shown = outcome.map(|answer| {
        let exchanged = is_exchanged(&app, &logged_in, target);
        app.page(
            &browser,
            "my_resource",
            MyResource { target: name, exchanged, answer: indented(&answer) },
        )
    });
    app.answer(&browser, shown)
}

/// A pass that B does not take is replaced, once: C may have changed its keys, or withdrawn it.
async fn ask_b(app: &App, logged_in: &LoggedIn, target: &Target) -> Result<Answer, Refusal> {
    let provider = app.website.provider(&logged_in.session.provider);
    if !provider.is_some_and(|provider| provider.opens_b) {
        return Err(Refusal::NoPass);
    }
    let call = Call { target, method: Method::GET, path: "/api/resource", body: None };
    let tokens = user_tokens::fresh(&app.website, logged_in).await?;
    if let Some(answer) = show_b(app, logged_in, &call, &tokens).await? {
        return Ok(answer);
    }
    let tokens = user_tokens::renewed(&app.website, logged_in, &tokens).await?;
    show_b(app, logged_in, &call, &tokens).await?.ok_or(Refusal::NoPass)
}

async fn show_b(
    app: &App,
    logged_in: &LoggedIn,
    call: &Call<'_>,
    tokens: &UserTokens,
) -> Result<Option<Answer>, Refusal> {
    let own = &tokens.access_token;
    let answer = match is_exchanged(app, logged_in, call.target) {
        true => app.b.call_acting_for(call, own).await?,
        false => app.b.call_as(call, own).await?,
    };
    Ok(answer)
}

/// Only C's own tokens can be exchanged at C: it is not shown another provider's.
fn is_exchanged(app: &App, logged_in: &LoggedIn, target: &Target) -> bool {
    target.token_exchange && logged_in.session.identity.issuer == app.b.tokens.issuer()
}

fn indented(answer: &Answer) -> String {
    let text = answer.text();
    let json = serde_json::from_str::<serde_json::Value>(&text);
    json.and_then(|json| serde_json::to_string_pretty(&json)).unwrap_or(text)
}
