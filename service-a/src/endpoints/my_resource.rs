use axum::{
    extract::{RawQuery, State},
    http::Method,
    response::Response,
};
use claims::Form;
use pages::{Browser, Page};
use serde::Serialize;

use crate::{
    app::App,
    call_b::{Answer, Call},
    login::Refusal,
    my_tokens,
    session::LoggedIn,
    settings::Target,
};

#[derive(Serialize)]
struct MyResource {
    target: &'static str,
    answer: String,
}

/// `GET /my-resource`: A calls B with the pass of the person who is logged in: the B that checks passes by itself, or with
/// `?target=introspection` the one that asks C.
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
    let shown = outcome.map(|answer| shown(&app, &browser, name, &answer));
    app.answer(&browser, shown)
}

/// A pass that B does not take is replaced, once: C may have changed its keys, or withdrawn it.
async fn ask_b(app: &App, logged_in: &LoggedIn, target: &Target) -> Result<Answer, Refusal> {
    let provider = app.website.provider(&logged_in.session.provider);
    if !provider.is_some_and(|provider| provider.opens_b) {
        return Err(Refusal::NoPass);
    }
    let call = Call { target, method: Method::GET, path: "/api/resource", body: None };
    let tokens = my_tokens::fresh(&app.website, logged_in).await?;
    if let Some(answer) = app.b.call_as(&call, &tokens.access_token).await? {
        return Ok(answer);
    }
    let tokens = my_tokens::renewed(&app.website, logged_in, &tokens).await?;
    app.b.call_as(&call, &tokens.access_token).await?.ok_or(Refusal::NoPass)
}

fn shown(app: &App, browser: &Browser, target: &'static str, answer: &Answer) -> Page {
    let text = answer.text();
    let indented =
        serde_json::from_str::<serde_json::Value>(&text).and_then(|json| serde_json::to_string_pretty(&json));
    app.page(browser, "my_resource", MyResource { target, answer: indented.unwrap_or(text) })
}
