use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::Form;

use super::{
    DeviceContext,
    decision::{Decision, DecisionError, custom_claims, narrowed_to_client, store_decision},
};
use crate::{
    domain::{Client, DeviceAuthorization, parse_user_code, scopes_by_resource},
    http::{ApiError, BrowserSession, ClientAddress, FormBody, HtmlError, SignedIn, page_response},
    pages::{
        ClientView, DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem, ResourceView,
        ScopeView, render,
    },
    storage::StoreError,
};

/// `GET /device` (RFC 8628 §3.3): displays the form for the user code.
pub async fn device(
    State(context): State<Arc<DeviceContext>>,
    browser_session: BrowserSession,
    RawQuery(query): RawQuery,
) -> Response {
    let browser = browser_session.browser.clone();
    let page = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        ask(&context, browser_session, form.get("user_code").unwrap_or_default(), None)
    };
    page_response(&context.page.pages, &browser, page.await)
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
    let response = async { submit(&context, browser_session, address, &form?.0).await };
    page_response(&context.page.pages, &browser, response.await)
}

fn ask(
    context: &DeviceContext,
    browser_session: BrowserSession,
    user_code: &str,
    problem: Option<DeviceProblem>,
) -> Result<Response, HtmlError> {
    let (browser_session, cookie) = browser_session.ensure_csrf_cookie(&context.page)?;
    let page = DevicePage {
        action: context.page.url("/device"),
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

async fn submit(
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
        return Ok(redirect_to_sign_in(context, &parse_user_code(typed).unwrap_or_default()));
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
    let client = context.clients.find(&device.client_id, Some(address.0)).await?;
    let client = client.as_deref();
    let device = narrowed_to_client(context, client, device);
    let decision = match form.get("decision") {
        // The page is displayed again if the operator has changed the claims that it named.
        None => return Ok(confirm(context, &browser_session, &signed_in, client, &device)),
        Some("allow") if !has_shown_claims(context, &device, form) => {
            return Ok(confirm(context, &browser_session, &signed_in, client, &device));
        }
        Some(decision) => Decision { device, allowed: decision == "allow" },
    };
    decide(context, &browser_session, address, &signed_in, client, &decision).await
}

fn redirect_to_sign_in(context: &DeviceContext, user_code: &str) -> Response {
    Redirect::to(&context.page.url(&format!("/login?user_code={user_code}"))).into_response()
}

fn confirm(
    context: &DeviceContext,
    browser_session: &BrowserSession,
    signed_in: &SignedIn,
    client: Option<&Client>,
    device: &DeviceAuthorization,
) -> Response {
    let registry = context.clients.registry.current();
    let named = || ClientView::named(&device.client_id);
    let scopes = device.scope.iter();
    let page = DeviceConfirmPage {
        client: client
            .map_or_else(named, |client| ClientView::new(client, browser_session.browser.language)),
        user: (&signed_in.user).into(),
        user_code: device.user_code.clone(),
        resources: scopes_by_resource(&registry, &device.scope, &device.resources)
            .into_keys()
            .map(|identifier| ResourceView {
                claims: registry.claims().names_of_resource(&identifier),
                identifier,
                granted_before: false,
            })
            .collect(),
        scopes: scopes
            .map(|name| ScopeView {
                name: name.to_owned(),
                claims: registry.claims().names_of_scope(name),
                granted_before: false,
            })
            .collect(),
        shown_claims: custom_claims(context, device).form_value(),
        action: context.page.url("/device"),
        csrf: browser_session.csrf_token(&context.page),
        switch_account: context.page.url(&format!("/login?user_code={}", device.user_code)),
    };
    render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response()
}

fn has_shown_claims(context: &DeviceContext, device: &DeviceAuthorization, form: &Form) -> bool {
    let shown = form.get("shown_claims").unwrap_or_default();
    shown == custom_claims(context, device).form_value()
}

async fn decide(
    context: &DeviceContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    signed_in: &SignedIn,
    client: Option<&Client>,
    decision: &Decision,
) -> Result<Response, HtmlError> {
    let device = &decision.device;
    match store_decision(context, address, signed_in, decision).await {
        Ok(()) => {}
        Err(DecisionError::Store(StoreError::SessionEnded)) => {
            return Ok(redirect_to_sign_in(context, &device.user_code));
        }
        Err(DecisionError::Store(error)) => return Err(error.into()),
        Err(DecisionError::Random(error)) => return Err(error.into()),
    }
    let language = browser_session.browser.language.code();
    let client = client.map_or(&*device.client_id, |client| client.display_name_in(language));
    let page = DeviceDonePage { client: client.to_owned(), allowed: decision.allowed };
    Ok(render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response())
}
