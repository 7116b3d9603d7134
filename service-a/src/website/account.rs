use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use pages::{Browser, Page};
use serde::Serialize;

use crate::{
    http::session::LoggedIn,
    services::Services,
    views::{ProviderButton, Views},
};

#[derive(Serialize)]
struct AccountView {
    id: String,
    nickname: Option<String>,
    picture: Option<String>,
    email: Option<String>,
    /// This session began with the login that created the account.
    first_login: bool,
    /// The identity by which this login found the account.
    recognized_by: IdentityView,
    identities: Vec<IdentityView>,
    /// Providers that are not linked to this account.
    unlinked: Vec<ProviderButton>,
    grants_b_access: bool,
    csrf_token: String,
    /// A form of another session was submitted and not carried out.
    form_expired: bool,
}

#[derive(Serialize)]
struct IdentityView {
    title: String,
    issuer: String,
    subject: String,
}

/// `GET /account`: the profile of the account and its linked identities.
pub async fn account(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    logged_in: LoggedIn,
) -> impl IntoResponse {
    page(&services, &views, &browser, logged_in, false)
}

/// Shows the account, from which the user can submit the form again, instead of carrying out a form
/// without the CSRF token of this session. It is from a page of an earlier session, which may have
/// been another user's, or from another site.
pub(super) fn form_expired(
    services: &Services,
    views: &Views,
    browser: &Browser,
    logged_in: LoggedIn,
) -> Response {
    tracing::info!("form without the CSRF token of this session rejected");
    page(services, views, browser, logged_in, true).into_response()
}

fn page(
    services: &Services,
    views: &Views,
    browser: &Browser,
    logged_in: LoggedIn,
    form_expired: bool,
) -> Page {
    let csrf_token = logged_in.csrf_token();
    let LoggedIn { account, session, .. } = logged_in;
    let began_at = session.expires_at - i64::from(services.sessions.absolute_timeout_seconds);
    let recognized_by = IdentityView {
        title: services.provider_title(&session.provider, browser.language),
        issuer: session.identity.issuer,
        subject: session.identity.subject,
    };
    let unlinked = views.provider_buttons(browser, |provider| {
        !account.identities.iter().any(|linked| linked.provider == provider.name)
    });
    let identities = account.identities.into_iter().map(|linked| IdentityView {
        title: services.provider_title(&linked.provider, browser.language),
        issuer: linked.identity.issuer,
        subject: linked.identity.subject,
    });
    let view = AccountView {
        id: account.id,
        nickname: account.nickname,
        picture: account.picture,
        email: account.email,
        first_login: account.created_at >= began_at,
        recognized_by,
        identities: identities.collect(),
        unlinked,
        grants_b_access: services
            .provider(&session.provider)
            .is_some_and(|provider| provider.grants_b_access()),
        csrf_token,
        form_expired,
    };
    let status = if form_expired { StatusCode::FORBIDDEN } else { StatusCode::OK };
    views.page_with_status(browser, status, "account", view).without_form_action()
}
