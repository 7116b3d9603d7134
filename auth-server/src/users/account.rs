use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::Form;
use serde::Deserialize;

use super::{account_clients::AccountClients, end_session};
use crate::{
    domain::{AuditEvent, Consent, ConsentedClaims, Outcome, Session, scopes_by_resource},
    http::{
        ApiError, BrowserSession, ClientAddress, FormBody, HtmlError, PageContext, SignedIn,
        page_response, remove_session_cookie,
    },
    oauth::authorize::AuthorizationContext,
    pages::{
        AccountActions, AccountNotice, AccountPage, BrowserName, ConsentRow, ScopeView, SessionRow,
        render,
    },
    storage::Change,
};

/// Query of the account page: the action that has just completed.
#[derive(Debug, Deserialize)]
pub struct Done {
    done: Option<AccountNotice>,
}

/// `GET /account`: lists the user's sessions and the clients with access.
pub async fn account(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    done: Result<Query<Done>, QueryRejection>,
) -> Response {
    // Ignore an unknown notice.
    let notice = done.ok().and_then(|Query(done)| done.done);
    let response = overview(&context, &browser_session, address, notice).await;
    page_response(&context.page.pages, &browser_session.browser, response)
}

/// `POST /account/end-session`: ends one of the user's sessions.
pub async fn end_one_session(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let response = async { end(&context, &browser_session, address, &form?.0).await };
    page_response(&context.page.pages, &browser_session.browser, response.await)
}

/// `POST /account/sign-out-everywhere`: ends all sessions of the user.
pub async fn sign_out_everywhere(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let response = async { end_all(&context, &browser_session, address, &form?.0).await };
    page_response(&context.page.pages, &browser_session.browser, response.await)
}

/// `POST /account/withdraw-consent`: revokes the access of a client.
pub async fn withdraw_consent(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let response = async { withdraw(&context, &browser_session, address, &form?.0).await };
    page_response(&context.page.pages, &browser_session.browser, response.await)
}

async fn overview(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    notice: Option<AccountNotice>,
) -> Result<Response, HtmlError> {
    let Some(SignedIn { session, user }) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in(&context.page));
    };
    let mut live_sessions = Vec::new();
    for other in context.store.sessions_of(&user.sub).await? {
        if other.is_live(context.clock.seconds(), context.page.session_ttl) {
            let apps = context.store.clients_of_session(&other.sid).await?;
            live_sessions.push((other, apps));
        }
    }
    let consents = granted_access(context, &user.sub).await?;
    let client_ids = live_sessions.iter().flat_map(|(_, apps)| apps);
    let client_ids = client_ids.chain(consents.iter().map(|consent| &consent.client_id));
    let clients = AccountClients::find(context, client_ids, address).await;
    let language = browser_session.browser.language;
    let mut sessions = Vec::new();
    for (other, apps) in live_sessions {
        sessions.push(SessionRow {
            current: other.sid == session.sid,
            apps: apps.iter().filter_map(|id| clients.name(id, language)).collect(),
            id: other.sid,
            browser: BrowserName::of(&other.user_agent),
            address: other.address,
            since: other.auth_time,
            last_seen: other.last_seen,
        });
    }
    let consents = consents.into_iter().map(|mut consent| {
        if let Some(client) = clients.get(&consent.client_id) {
            consent.narrow_to(client);
        }
        consent
    });
    let consents = consents.map(|consent| ConsentRow {
        client: clients.view(&consent.client_id, language),
        client_id: consent.client_id,
        scopes: consent.scope.iter().map(|name| granted_scope(name, &consent.claims)).collect(),
        resources: consent.resources.into_keys().collect(),
        since: consent.granted_at,
    });
    let page = AccountPage {
        user: (&user).into(),
        notice,
        sessions,
        consents: consents.collect(),
        actions: AccountActions {
            end_session: context.page.url("/account/end-session"),
            withdraw: context.page.url("/account/withdraw-consent"),
            sign_out: context.page.url("/logout/confirm"),
            sign_out_everywhere: context.page.url("/account/sign-out-everywhere"),
        },
        csrf: browser_session.csrf_token(&context.page),
    };
    // A form of an earlier session was sent.
    let status = match notice {
        Some(AccountNotice::FormExpired) => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    Ok(render(&context.page.pages, &browser_session.browser, status, &page).into_response())
}

/// Displays the page again instead of carrying out a form of an earlier session, which may have
/// been another user's.
/// Returns the granted access by client: stored consents, and active grants without one (devices
/// and first-party clients).
async fn granted_access(
    context: &AuthorizationContext,
    sub: &str,
) -> Result<Vec<Consent>, HtmlError> {
    let registry = context.clients.registry.current();
    let mut all = context.store.consents_of(sub).await?;
    for grant in context.store.grants_of(sub, context.clock.seconds()).await? {
        let resources = scopes_by_resource(&registry, &grant.scope, &grant.resources);
        match all.iter_mut().find(|known| known.client_id == grant.client_id) {
            Some(known) => known.extend(&grant.scope, resources, grant.custom_claims),
            None => all.push(Consent {
                sub: grant.sub,
                client_id: grant.client_id,
                scope: grant.scope,
                resources,
                claims: grant.custom_claims,
                granted_at: grant.auth_time,
            }),
        }
    }
    Ok(all)
}

fn granted_scope(name: &str, claims: &ConsentedClaims) -> ScopeView {
    ScopeView { name: name.to_owned(), claims: claims.of_scope(name), granted_before: true }
}

/// Returns the user who has sent a form of the account page.
///
/// # Errors
/// Returns the response to a browser that is not signed in, or whose form has expired.
async fn signed_in_form(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<SignedIn, HtmlError> {
    let Some(signed_in) = browser_session.signed_in(&context.page).await? else {
        return Err(HtmlError::Answered(Box::new(redirect_to_sign_in(&context.page))));
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        let notice = Some(AccountNotice::FormExpired);
        let page = overview(context, browser_session, address, notice).await?;
        return Err(HtmlError::Answered(Box::new(page)));
    }
    Ok(signed_in)
}

async fn end(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let SignedIn { session, .. } = signed_in_form(context, browser_session, address, form).await?;
    // Search only the user's own sessions, so that the id of another session is not found.
    let own: Vec<Session> = context.store.sessions_of(&session.sub).await?;
    let Some(ended) = own.iter().find(|own| Some(own.sid.as_str()) == form.get("session")) else {
        return Ok(redirect_to_account(&context.page, "session_ended"));
    };
    end_session(context, ended, address).await?;
    if ended.sid == session.sid {
        return Ok((remove_session_cookie(&context.page), redirect_to_sign_in(&context.page))
            .into_response());
    }
    Ok(redirect_to_account(&context.page, "session_ended"))
}

/// Ends all sessions in one transaction, so that a sign-in at the same time is not missed.
async fn end_all(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let SignedIn { user, .. } = signed_in_form(context, browser_session, address, form).await?;
    let mut audit = context.audit.record(AuditEvent::SignOut, Outcome::Succeeded, address);
    audit.sub = Some(user.sub.clone());
    context.audit.apply(&audit, Change::SignOutUser { sub: user.sub }).await?;
    Ok((remove_session_cookie(&context.page), redirect_to_sign_in(&context.page)).into_response())
}

async fn withdraw(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let SignedIn { user, .. } = signed_in_form(context, browser_session, address, form).await?;
    let client_id = form.get("client_id").unwrap_or_default().to_owned();
    let mut audit = context.audit.record(AuditEvent::ConsentRevocation, Outcome::Revoked, address);
    audit.sub = Some(user.sub.clone());
    audit.client_id = Some(context.clients.loggable_client_id(&client_id));
    let change = Change::RevokeConsent { sub: user.sub, client_id };
    context.audit.apply(&audit, change).await?;
    Ok(redirect_to_account(&context.page, "consent_withdrawn"))
}

fn redirect_to_sign_in(page: &PageContext) -> Response {
    Redirect::to(&page.url("/login")).into_response()
}

fn redirect_to_account(page: &PageContext, done: &str) -> Response {
    Redirect::to(&page.url(&format!("/account?done={done}"))).into_response()
}
