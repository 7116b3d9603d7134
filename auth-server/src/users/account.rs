use crate::oauth::authorize::AuthorizationContext;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::Form;
use serde::Deserialize;
use std::sync::Arc;

use super::end_session;
use crate::http::FormBody;
use crate::{
    domain::{AuditEvent, Consent, Outcome, Session, scopes_by_resource},
    http::{ApiError, BrowserSession, ClientAddress, HtmlError, SignedIn, forget_session_cookie},
    pages::{
        AccountActions, AccountNotice, AccountPage, BrowserName, ClientView, ConsentRow, ScopeView,
        SessionRow, render,
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
    done: Result<Query<Done>, QueryRejection>,
) -> Response {
    // Ignore an unknown notice.
    let notice = done.ok().and_then(|Query(done)| done.done);
    overview(&context, &browser_session, notice)
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

/// `POST /account/end-session`: ends one of the user's sessions.
pub async fn end_one_session(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let answer = async { end(&context, &browser_session, address, &form?.0).await };
    answer
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

/// `POST /account/sign-out-everywhere`: ends all sessions of the user.
pub async fn sign_out_everywhere(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let answer = async { end_all(&context, &browser_session, address, &form?.0).await };
    answer
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

/// `POST /account/withdraw-consent`: revokes the access of a client.
pub async fn withdraw_consent(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    form: Result<FormBody, ApiError>,
) -> Response {
    let answer = async { withdraw(&context, &browser_session, address, &form?.0).await };
    answer
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

async fn overview(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    notice: Option<AccountNotice>,
) -> Result<Response, HtmlError> {
    let Some(SignedIn { session, user }) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in());
    };
    let registry = context.clients.registry.current();
    // Deleted clients are omitted, because they no longer have a display name.
    let name_of = |client_id: &String| {
        let client = registry.client(client_id)?;
        Some(client.display_name_in(browser_session.browser.language.code()).to_owned())
    };
    let mut sessions = Vec::new();
    for other in context.store.sessions_of(&user.sub).await? {
        if !other.is_live(context.clock.seconds(), context.page.session_ttl) {
            continue;
        }
        let apps = context.store.clients_of_session(&other.sid).await?;
        sessions.push(SessionRow {
            current: other.sid == session.sid,
            apps: apps.iter().filter_map(name_of).collect(),
            id: other.sid,
            browser: BrowserName::of(&other.user_agent),
            address: other.address,
            since: other.auth_time,
            last_seen: other.last_seen,
        });
    }
    let consents = granted_access(context, &user.sub).await?;
    let consents = consents.into_iter().map(|consent| ConsentRow {
        client: registry.client(&consent.client_id).map_or_else(
            || ClientView::named(&consent.client_id),
            |client| ClientView::new(client, browser_session.browser.language),
        ),
        client_id: consent.client_id,
        scopes: consent.scope.iter().map(granted_scope).collect(),
        resources: consent.resources.into_keys().collect(),
        since: consent.granted_at,
    });
    let page = AccountPage {
        user: (&user).into(),
        notice,
        sessions,
        consents: consents.collect(),
        actions: AccountActions {
            end_session: "/account/end-session".to_owned(),
            withdraw: "/account/withdraw-consent".to_owned(),
            sign_out: "/logout/confirm".to_owned(),
            sign_out_everywhere: "/account/sign-out-everywhere".to_owned(),
        },
        csrf: browser_session.csrf_token(&context.page),
    };
    Ok(render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response())
}

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
            Some(known) => known.extend(&grant.scope, resources),
            None => all.push(Consent {
                sub: grant.sub,
                client_id: grant.client_id,
                scope: grant.scope,
                resources,
                granted_at: grant.auth_time,
            }),
        }
    }
    Ok(all)
}

fn granted_scope(name: &str) -> ScopeView {
    ScopeView { name: name.to_owned(), granted_before: true }
}

async fn end(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let Some(SignedIn { session, .. }) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in());
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        return Err(HtmlError::CsrfMismatch);
    }
    // Search only the user's own sessions, so that the id of another session is not found.
    let own: Vec<Session> = context.store.sessions_of(&session.sub).await?;
    let Some(ended) = own.iter().find(|own| Some(own.sid.as_str()) == form.get("session")) else {
        return Ok(redirect_to_account("session_ended"));
    };
    end_session(context, ended, address).await?;
    if ended.sid == session.sid {
        return Ok((forget_session_cookie(&context.page), redirect_to_sign_in()).into_response());
    }
    Ok(redirect_to_account("session_ended"))
}

async fn end_all(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let Some(SignedIn { user, .. }) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in());
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        return Err(HtmlError::CsrfMismatch);
    }
    for session in context.store.sessions_of(&user.sub).await? {
        end_session(context, &session, address).await?;
    }
    Ok((forget_session_cookie(&context.page), redirect_to_sign_in()).into_response())
}

async fn withdraw(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    form: &Form,
) -> Result<Response, HtmlError> {
    let Some(SignedIn { user, .. }) = browser_session.signed_in(&context.page).await? else {
        return Ok(redirect_to_sign_in());
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        return Err(HtmlError::CsrfMismatch);
    }
    let client_id = form.get("client_id").unwrap_or_default().to_owned();
    let mut audit = context.audit.record(AuditEvent::ConsentRevocation, Outcome::Revoked, address);
    audit.sub = Some(user.sub.clone());
    audit.client_id = Some(context.clients.registry.current().loggable_client_id(&client_id));
    let change = Change::RevokeConsent { sub: user.sub, client_id };
    context.audit.apply(&audit, change).await?;
    Ok(redirect_to_account("consent_withdrawn"))
}

fn redirect_to_sign_in() -> Response {
    Redirect::to("/login").into_response()
}

fn redirect_to_account(done: &str) -> Response {
    Redirect::to(&format!("/account?done={done}")).into_response()
}
