//! Every route of C on one page.

use axum::{
    Router,
    routing::{get, post},
};
use pages::Pages;

use crate::{
    compat::wechat,
    http::only_post,
    oauth::{authorize, device, introspect, jwks, metadata, par, registration, revoke, token},
    oidc::{logout, userinfo},
    openapi,
    pages::stylesheet,
    state::App,
    testing,
    users::{account, consent, home, sign_in},
};

/// Every route. Where C stands in for WeChat, that one's come along; where clients may register
/// themselves, those for it; and where it is for tests and lessons, their controls.
pub fn routes(app: App) -> Router {
    let dialect = if app.wechat { wechat::wechat() } else { Router::new() };
    let registration = if app.registering.enabled { registration_routes() } else { Router::new() };
    let controls = if app.absences.is_some() { testing::test_controls() } else { Router::new() };
    own_routes().merge(dialect).merge(registration).merge(controls).with_state(app)
}

/// Where clients register themselves, if they may.
fn registration_routes() -> Router<App> {
    Router::new().route("/oauth/register", post(registration::register::register)).route(
        "/oauth/register/{client_id}",
        get(registration::manage::registered)
            .put(registration::manage::reregister)
            .delete(registration::manage::unregister),
    )
}

fn own_routes() -> Router<App> {
    Router::new()
        .route("/", get(home::home))
        .route(
            "/oauth/authorize",
            get(authorize::endpoint::authorize).post(authorize::endpoint::authorize_posted),
        )
        .route("/login", get(sign_in::login).post(sign_in::login_posted))
        .route("/consent", get(consent::consent).post(consent::consent_posted))
        .route(
            "/device",
            get(device::verification::device).post(device::verification::device_posted),
        )
        .route("/logout", get(logout::logout).post(logout::logout_posted))
        .route("/logout/confirm", post(logout::logout_confirmed))
        .route("/account", get(account::account))
        .route("/account/end-session", post(account::end_one_session))
        .route("/account/sign-out-everywhere", post(account::sign_out_everywhere))
        .route("/account/withdraw-consent", post(account::withdraw_consent))
        .route(Pages::STYLE_PATH, get(stylesheet::style))
        .route("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/oauth/token", post(token::endpoint::token).fallback(only_post))
        .route("/oauth/par", post(par::par).fallback(only_post))
        .route(
            "/oauth/device_authorization",
            post(device::authorization::device_authorization).fallback(only_post),
        )
        .route("/oauth/introspect", post(introspect::introspect).fallback(only_post))
        .route("/oauth/revoke", post(revoke::revoke).fallback(only_post))
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/.well-known/openid-configuration", get(metadata::metadata))
        .route("/.well-known/oauth-authorization-server/{*path}", get(metadata::metadata_of_path))
        .route("/openapi.json", get(openapi::openapi))
}
