use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use claims::Form;

use super::read_form::PageForm;
use crate::{
    app::App,
    client_address::ClientAddress,
    domain::{AuditEvent, Consent, Outcome, Session},
    failure::Failure,
    page_failure::PageFailure,
    pages::{AccountPage, ConsentLine, SessionLine},
    sign_out::end_session,
    store::Effect,
    visitor::{SignedIn, Visitor, forget_session_cookie},
};

/// `GET /account`: where the user is signed in, and what they have allowed.
pub async fn account(State(app): State<App>, visitor: Visitor) -> Response {
    show(&app, &visitor).await.unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

/// `POST /account/end-session`: sign out in one of the browsers.
pub async fn end_one_session(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    form: Result<PageForm, Failure>,
) -> Response {
    let answer = async { end(&app, &visitor, address, &form?.0).await };
    answer.await.unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

/// `POST /account/withdraw-consent`: take back what a client was allowed.
pub async fn withdraw_consent(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    form: Result<PageForm, Failure>,
) -> Response {
    let answer = async { withdraw(&app, &visitor, address, &form?.0).await };
    answer.await.unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

async fn show(app: &App, visitor: &Visitor) -> Result<Response, PageFailure> {
    let Some(SignedIn { session, user }) = visitor.signed_in(app).await? else { return Ok(to_sign_in()) };
    let registry = app.registry.current();
    let name_of = |client_id: &str| match registry.client(client_id) {
        Some(client) => client.shown_name().to_owned(),
        None => client_id.to_owned(),
    };
    let mut sessions = Vec::new();
    for other in app.store.sessions_of(&user.sub).await? {
        if !other.is_live(app.clock.seconds(), app.session_life) {
            continue;
        }
        let apps = app.store.clients_of_session(&other.sid).await?;
        sessions.push(SessionLine {
            current: other.sid == session.sid,
            apps: apps.iter().map(|client_id| name_of(client_id)).collect(),
            id: other.sid,
            browser: other.user_agent,
            address: other.address,
            since: other.auth_time,
            last_seen: other.last_seen,
        });
    }
    let consents = app.store.consents_of(&user.sub).await?;
    let consents = consents.iter().map(|Consent { client_id, scope, given_at, .. }| ConsentLine {
        client_id: client_id.clone(),
        client_name: name_of(client_id),
        scopes: scope.iter().map(str::to_owned).collect(),
        since: *given_at,
    });
    let page =
        AccountPage { user: (&user).into(), sessions, consents: consents.collect(), csrf: visitor.csrf_token(app) };
    Ok(page.page(&app.pages, &visitor.browser).into_response())
}

async fn end(app: &App, visitor: &Visitor, address: ClientAddress, form: &Form) -> Result<Response, PageFailure> {
    let Some(SignedIn { session, .. }) = visitor.signed_in(app).await? else { return Ok(to_sign_in()) };
    if !visitor.sent_own_form(app, form.get("csrf")) {
        return Err(PageFailure::ForeignForm);
    }
    // One's own sessions alone: another's name finds nothing.
    let own: Vec<Session> = app.store.sessions_of(&session.sub).await?;
    let Some(ended) = own.iter().find(|own| Some(own.sid.as_str()) == form.get("session")) else {
        return Ok(to_account());
    };
    end_session(app, ended, address).await?;
    if ended.sid == session.sid {
        return Ok((forget_session_cookie(app), to_sign_in()).into_response());
    }
    Ok(to_account())
}

async fn withdraw(app: &App, visitor: &Visitor, address: ClientAddress, form: &Form) -> Result<Response, PageFailure> {
    let Some(SignedIn { user, .. }) = visitor.signed_in(app).await? else { return Ok(to_sign_in()) };
    if !visitor.sent_own_form(app, form.get("csrf")) {
        return Err(PageFailure::ForeignForm);
    }
    let client_id = form.get("client_id").unwrap_or_default().to_owned();
    let mut audit = app.audit_record(AuditEvent::ConsentWithdrawal, Outcome::Revoked, address);
    audit.sub = Some(user.sub.clone());
    audit.client_id = Some(app.registry.current().shown_name(&client_id));
    let effect = Effect::WithdrawConsent { sub: user.sub, client_id };
    app.keep(&audit, effect).await?;
    Ok(to_account())
}

fn to_sign_in() -> Response {
    Redirect::to("/login").into_response()
}

fn to_account() -> Response {
    Redirect::to("/account").into_response()
}
