use super::DeviceContext;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::Form;
use std::sync::Arc;

use crate::http::FormBody;
use crate::{
    domain::{
        AuditEvent, DeviceAuthorization, Outcome, UserGrant, new_jti, parse_user_code,
        scopes_by_resource,
    },
    http::{ApiError, BrowserSession, ClientAddress, HtmlError, SignedIn},
    pages::{
        ClientView, DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem, ResourceView,
        ScopeView, render,
    },
    storage::{Change, DeviceDecision, StoreError},
};

/// `GET /device` (RFC 8628 §3.3): displays the form for the user code.
pub async fn device(
    State(context): State<Arc<DeviceContext>>,
    browser_session: BrowserSession,
    RawQuery(query): RawQuery,
) -> Response {
    let browser = browser_session.browser.clone();
    let asked = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        ask(&context, browser_session, form.get("user_code").unwrap_or_default(), None)
    };
    asked.await.unwrap_or_else(|failure: HtmlError| failure.page(&context.page.pages, &browser))
}

/// `POST /device`: looks up the user code, displays the requested access and handles the user's
/// decision.
pub async fn device_posted(
    State(context): State<Arc<DeviceContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let browser = browser_session.browser.clone();
    let answer = async { answer(&context, browser_session, address, &form?.0).await };
    answer.await.unwrap_or_else(|failure: HtmlError| failure.page(&context.page.pages, &browser))
}

fn ask(
    context: &DeviceContext,
    browser_session: BrowserSession,
    user_code: &str,
    problem: Option<DeviceProblem>,
) -> Result<Response, HtmlError> {
    let (browser_session, cookie) = browser_session.with_cookie(&context.page)?;
    let page = DevicePage {
        action: "/device".to_owned(),
        csrf: browser_session.csrf_token(&context.page),
        user_code: user_code.chars().take(20).collect(),
        problem,
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(DeviceProblem::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    Ok((cookie, render(&context.page.pages, &browser_session.browser, status, &page))
        .into_response())
}

async fn answer(
    context: &DeviceContext,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let typed = form.get("user_code").unwrap_or_default();
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        let problem = if browser_session.has_no_cookie() {
            DeviceProblem::NoCookies
        } else {
            DeviceProblem::ExpiredForm
        };
        return ask(context, browser_session, typed, Some(problem));
    }
    let Some(signed_in) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in(&parse_user_code(typed).unwrap_or_default()));
    };
    let uptime = context.clock.uptime();
    // Acquire the permit before looking up the code, so that parallel guesses are limited too
    // (§5.1).
    let sub = &signed_in.user.sub;
    let Ok(permit) = context.user_code_limit.acquire(sub, address.0, uptime).await else {
        return ask(context, browser_session, typed, Some(DeviceProblem::TooMany));
    };
    let found = match parse_user_code(typed) {
        Some(code) => context.store.pending_device(&code, context.clock.seconds()).await?,
        None => None,
    };
    let Some(device) = found else {
        permit.consume();
        return ask(context, browser_session, typed, Some(DeviceProblem::UnknownCode));
    };
    drop(permit);
    match form.get("decision") {
        None => Ok(confirm(context, &browser_session, &signed_in, &device)),
        Some("allow") => {
            decide(context, &browser_session, address, &signed_in, &device, true).await
        }
        Some(_) => decide(context, &browser_session, address, &signed_in, &device, false).await,
    }
}

fn redirect_to_sign_in(user_code: &str) -> Response {
    Redirect::to(&format!("/login?user_code={user_code}")).into_response()
}

fn confirm(
    context: &DeviceContext,
    browser_session: &BrowserSession,
    signed_in: &SignedIn,
    device: &DeviceAuthorization,
) -> Response {
    let registry = context.clients.registry.current();
    let named = || ClientView::named(&device.client_id);
    let scopes = device.scope.iter();
    let page = DeviceConfirmPage {
        client: registry
            .client(&device.client_id)
            .map_or_else(named, |client| ClientView::new(client, browser_session.browser.language)),
        user: (&signed_in.user).into(),
        user_code: device.user_code.clone(),
        resources: scopes_by_resource(&registry, &device.scope, &device.resources)
            .into_keys()
            .map(|identifier| ResourceView { identifier, granted_before: false })
            .collect(),
        scopes: scopes
            .map(|name| ScopeView { name: name.to_owned(), granted_before: false })
            .collect(),
        action: "/device".to_owned(),
        csrf: browser_session.csrf_token(&context.page),
        switch_account: format!("/login?user_code={}", device.user_code),
    };
    render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response()
}

async fn decide(
    context: &DeviceContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    signed_in: &SignedIn,
    device: &DeviceAuthorization,
    allowed: bool,
) -> Result<Response, HtmlError> {
    let SignedIn { session, user } = signed_in;
    let mut audit = context.audit.record(
        AuditEvent::Authorization,
        if allowed { Outcome::Succeeded } else { Outcome::Rejected },
        address,
    );
    audit.client_id = Some(device.client_id.clone());
    audit.sub = Some(user.sub.clone());
    audit.scope = Some(device.scope.to_string());
    let grant = UserGrant {
        grant_id: new_jti(context.clock.millis(), &context.random.bytes()?),
        client_id: device.client_id.clone(),
        sub: user.sub.clone(),
        sid: session.sid.clone(),
        scope: device.scope.clone(),
        resources: device.resources.clone(),
        auth_time: session.auth_time,
        auth_time_requested: false,
        offline: device.scope.contains("offline_access"),
    };
    let decision =
        DeviceDecision { device: device.hash, exp: device.exp, grant: allowed.then_some(grant) };
    match context.audit.apply(&audit, Change::DecideDevice(Box::new(decision))).await {
        Err(StoreError::SessionEnded) => return Ok(redirect_to_sign_in(&device.user_code)),
        result => result?,
    }
    let client = context
        .clients
        .registry
        .current()
        .client(&device.client_id)
        .map(|client| client.display_name().to_owned());
    let page =
        DeviceDonePage { client: client.unwrap_or_else(|| device.client_id.clone()), allowed };
    Ok(render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response())
}
