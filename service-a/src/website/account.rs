use axum::{extract::State, response::IntoResponse};
use pages::Browser;
use serde::Serialize;

use crate::{http::session::LoggedIn, state::App, views::ProviderButton};

#[derive(Serialize)]
struct AccountPage {
    id: String,
    nickname: Option<String>,
    picture: Option<String>,
    email: Option<String>,
    identities: Vec<ShownIdentity>,
    /// Providers that do not lead to this account yet.
    links: Vec<ProviderButton>,
    opens_b: bool,
    csrf_token: String,
}

#[derive(Serialize)]
struct ShownIdentity {
    title: String,
    issuer: String,
    subject: String,
}

/// `GET /account`: what the website knows of the person, and the ways to log in.
pub async fn account(
    State(app): State<App>,
    browser: Browser,
    logged_in: LoggedIn,
) -> impl IntoResponse {
    let csrf_token = logged_in.csrf_token();
    let (account, website) = (logged_in.account, &app.website);
    let unlinked = website.providers.values().filter(|provider| {
        !account.identities.iter().any(|identity| identity.provider == provider.name)
    });
    let links = unlinked.map(|provider| ProviderButton::of(provider, &browser)).collect();
    let identities = account.identities.into_iter().map(|linked| ShownIdentity {
        title: website.title_of(&linked.provider, browser.language),
        issuer: linked.identity.issuer,
        subject: linked.identity.subject,
    });
    let shown = AccountPage {
        id: account.id,
        nickname: account.nickname,
        picture: account.picture,
        email: account.email,
        identities: identities.collect(),
        links,
        opens_b: website
            .provider(&logged_in.session.provider)
            .is_some_and(|provider| provider.opens_b),
        csrf_token,
    };
    app.page(&browser, "account", shown).form_action(&website.browser_urls())
}
