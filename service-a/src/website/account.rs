use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use pages::Browser;
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
    identities: Vec<IdentityView>,
    /// Providers that are not linked to this account.
    unlinked: Vec<ProviderButton>,
    grants_b_access: bool,
    csrf_token: String,
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
    let csrf_token = logged_in.csrf_token();
    let account = logged_in.account;
    let unlinked = views.provider_buttons(&browser, |provider| {
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
        identities: identities.collect(),
        unlinked,
        grants_b_access: services
            .provider(&logged_in.session.provider)
            .is_some_and(|provider| provider.grants_b_access()),
        csrf_token,
    };
    views.page(&browser, "account", view).forms_leave_this_site()
}
