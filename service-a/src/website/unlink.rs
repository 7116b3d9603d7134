use axum::{
    extract::State,
    response::{Redirect, Response},
};
use pages::Browser;

use crate::{
    accounts::{Identity, Unlinked},
    http::form_body::FormBody,
    http::session::LoggedIn,
    login::Refusal,
    state::App,
};

/// `POST /unlink`: one way less to log in to this account, never the last one.
pub async fn unlink(
    State(app): State<App>,
    browser: Browser,
    logged_in: LoggedIn,
    FormBody(body): FormBody,
) -> Response {
    let outcome = take_away(&app, &logged_in, &body).await;
    app.answer(&browser, outcome.map(|()| Redirect::to("/account")))
}

async fn take_away(app: &App, logged_in: &LoggedIn, body: &[u8]) -> Result<(), Refusal> {
    let form = logged_in.own_form(body)?;
    let named = |name| form.get(name).map(str::to_owned).ok_or(Refusal::NoSuchIdentity);
    let identity = Identity { issuer: named("issuer")?, subject: named("subject")? };
    match app.website.accounts.unlink(&logged_in.account.id, &identity).await? {
        Unlinked::Removed => Ok(()),
        Unlinked::Last => Err(Refusal::LastIdentity),
        Unlinked::Unknown => Err(Refusal::NoSuchIdentity),
    }
}
