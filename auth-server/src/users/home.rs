use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    http::BrowserSession,
    oauth::authorize::AuthorizationContext,
    pages::{HomePage, render},
};

/// `GET /`: displays links for a person who opens the issuer URL in a browser.
pub async fn home(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
) -> Response {
    let signed_in = browser_session.signed_in(&context.page).await.unwrap_or_default();
    let page = HomePage {
        issuer: context.issuer.trim_end_matches('/').to_owned(),
        account: context.page.url("/account"),
        device: context.page.url("/device"),
        path: context.page.path.clone(),
        signed_in_as: signed_in.map(|signed_in| signed_in.user.display_name().to_owned()),
    };
    render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response()
}
