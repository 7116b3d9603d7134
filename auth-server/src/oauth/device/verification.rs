use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::Form;

use crate::http::PageForm;
use crate::{
    domain::{AuditEvent, DeviceAuthorization, Outcome, UserGrant, new_jti, parse_user_code},
    http::{ClientAddress, Failure, PageFailure, SignedIn, Visitor},
    pages::{
        ClientView, DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem, ScopeView, render,
    },
    state::App,
    storage::{Change, DeviceDecision, StoreError},
};

/// `GET /device` (RFC 8628 §3.3): the user types the code that the device shows.
pub async fn device(
    State(app): State<App>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let browser = visitor.browser.clone();
    let asked = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        ask(&app, visitor, form.get("user_code").unwrap_or_default(), None)
    };
    asked.await.unwrap_or_else(|failure: PageFailure| failure.page(&app, &browser))
}

/// `POST /device`: what does the device ask for, and may it have it?
pub async fn device_posted(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    form: Result<PageForm, Failure>,
) -> Response {
    let browser = visitor.browser.clone();
    let answer = async { answer(&app, visitor, address, &form?.0).await };
    answer.await.unwrap_or_else(|failure: PageFailure| failure.page(&app, &browser))
}

fn ask(
    app: &App,
    visitor: Visitor,
    user_code: &str,
    problem: Option<DeviceProblem>,
) -> Result<Response, PageFailure> {
    let (visitor, cookie) = visitor.with_cookie(app)?;
    let page = DevicePage {
        action: "/device".to_owned(),
        csrf: visitor.csrf_token(app),
        user_code: user_code.chars().take(20).collect(),
        problem,
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(DeviceProblem::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    Ok((cookie, render(&app.pages, &visitor.browser, status, &page)).into_response())
}

async fn answer(
    app: &App,
    visitor: Visitor,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, PageFailure> {
    let typed = form.get("user_code").unwrap_or_default();
    if !visitor.sent_own_form(app, form.get("csrf")) {
        let problem = if visitor.brought_no_cookie() {
            DeviceProblem::NoCookies
        } else {
            DeviceProblem::ExpiredForm
        };
        return ask(app, visitor, typed, Some(problem));
    }
    let Some(signed_in) = visitor.signed_in(app).await? else {
        return Ok(sign_in_first(&parse_user_code(typed).unwrap_or_default()));
    };
    let now = app.clock.millis();
    // A place is taken before the code is looked up: guesses are counted (§5.1).
    let Ok(place) = app.device_limit.charge(&signed_in.user.sub, address.0, now) else {
        return ask(app, visitor, typed, Some(DeviceProblem::TooMany));
    };
    let found = match parse_user_code(typed) {
        Some(code) => app.store.pending_device(&code, app.clock.seconds()).await?,
        None => None,
    };
    let Some(device) = found else {
        place.keep();
        return ask(app, visitor, typed, Some(DeviceProblem::UnknownCode));
    };
    drop(place);
    match form.get("decision") {
        None => Ok(confirm(app, &visitor, &signed_in, &device)),
        Some("allow") => decide(app, &visitor, address, &signed_in, &device, true).await,
        Some(_) => decide(app, &visitor, address, &signed_in, &device, false).await,
    }
}

fn sign_in_first(user_code: &str) -> Response {
    Redirect::to(&format!("/login?user_code={user_code}")).into_response()
}

fn confirm(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    device: &DeviceAuthorization,
) -> Response {
    let registry = app.registry.current();
    let named = || ClientView::named(&device.client_id);
    let scopes = device.scope.iter();
    let page = DeviceConfirmPage {
        client: registry
            .client(&device.client_id)
            .map_or_else(named, |client| ClientView::new(client, visitor.browser.language)),
        user: (&signed_in.user).into(),
        user_code: device.user_code.clone(),
        scopes: scopes
            .map(|name| ScopeView { name: name.to_owned(), granted_before: false })
            .collect(),
        action: "/device".to_owned(),
        csrf: visitor.csrf_token(app),
        switch_account: format!("/login?user_code={}", device.user_code),
    };
    render(&app.pages, &visitor.browser, StatusCode::OK, &page).into_response()
}

async fn decide(
    app: &App,
    visitor: &Visitor,
    address: ClientAddress,
    signed_in: &SignedIn,
    device: &DeviceAuthorization,
    allowed: bool,
) -> Result<Response, PageFailure> {
    let SignedIn { session, user } = signed_in;
    let mut audit = app.audit_record(
        AuditEvent::Authorization,
        if allowed { Outcome::Succeeded } else { Outcome::Rejected },
        address,
    );
    audit.client_id = Some(device.client_id.clone());
    audit.sub = Some(user.sub.clone());
    audit.scope = Some(device.scope.to_string());
    let grant = UserGrant {
        grant_id: new_jti(app.clock.millis(), &app.entropy.bytes()?),
        client_id: device.client_id.clone(),
        sub: user.sub.clone(),
        sid: session.sid.clone(),
        scope: device.scope.clone(),
        resources: device.resources.clone(),
        auth_time: session.auth_time,
        offline: device.scope.contains("offline_access"),
    };
    let decision =
        DeviceDecision { device: device.hash, exp: device.exp, grant: allowed.then_some(grant) };
    match app.keep(&audit, Change::DecideDevice(Box::new(decision))).await {
        Err(StoreError::SessionEnded) => return Ok(sign_in_first(&device.user_code)),
        kept => kept?,
    }
    let client = app
        .registry
        .current()
        .client(&device.client_id)
        .map(|client| client.display_name().to_owned());
    let page =
        DeviceDonePage { client: client.unwrap_or_else(|| device.client_id.clone()), allowed };
    Ok(render(&app.pages, &visitor.browser, StatusCode::OK, &page).into_response())
}
