//! Every route of the public listeners. `control/router.rs` has those of the control API.

use axum::{
    Router,
    middleware::from_fn,
    routing::{get, post},
};
use pages::Pages;
use service_kit::{reject_pages, require_same_origin};

use crate::{
    compat::wechat,
    http::only_post,
    oauth::{authorize, device, introspect, jwks, metadata, par, registration, revoke, token},
    oidc::{logout, userinfo},
    openapi,
    pages::stylesheet,
    state::{AppState, Features},
    testing,
    users::{account, consent, home, sign_in},
};

/// Returns every route that the settings enable.
pub fn routes(state: AppState, features: Features) -> Router {
    let mut routes = standard_routes().merge(form_routes());
    if features.registration {
        routes = routes.merge(registration_routes());
    }
    if features.wechat {
        routes = routes.merge(wechat_routes());
    }
    if features.test_controls {
        routes = routes.merge(test_routes());
    }
    routes.with_state(state)
}

fn standard_routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home::home))
        .route(
            "/oauth/authorize",
            get(authorize::endpoint::authorize).post(authorize::endpoint::authorize_posted),
        )
        .route("/logout", get(logout::logout).post(logout::logout_posted))
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

/// Pages whose forms rely on the cookies of the browser.
fn form_routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(sign_in::login).post(sign_in::login_posted))
        .route("/consent", get(consent::consent).post(consent::consent_posted))
        .route(
            "/device",
            get(device::verification::device).post(device::verification::device_posted),
        )
        .route("/logout/confirm", post(logout::logout_confirmed))
        .route("/account", get(account::account))
        .route("/account/end-session", post(account::end_one_session))
        .route("/account/sign-out-everywhere", post(account::sign_out_everywhere))
        .route("/account/withdraw-consent", post(account::withdraw_consent))
        .route_layer(from_fn(require_same_origin))
}

/// Dynamic client registration, enabled by `registration.enabled`.
fn registration_routes() -> Router<AppState> {
    use registration::{manage, register};
    Router::new().route("/oauth/register", post(register::register)).route(
        "/oauth/register/{client_id}",
        get(manage::read).put(manage::update).delete(manage::delete),
    )
}

/// WeChat's endpoints and the JSON token endpoint, enabled by `compat.wechat`.
fn wechat_routes() -> Router<AppState> {
    Router::new()
        .route("/connect/oauth2/authorize", get(wechat::authorize))
        .route("/connect/qrconnect", get(wechat::authorize))
        .route("/oauth2/token", post(wechat::json_token))
        .route("/sns/oauth2/access_token", get(wechat::access_token).post(wechat::access_token))
        .route("/sns/oauth2/refresh_token", get(wechat::refresh_token).post(wechat::refresh_token))
        .route("/sns/userinfo", get(wechat::userinfo))
}

/// Controls for tests and demonstrations, enabled by `test_controls`.
fn test_routes() -> Router<AppState> {
    Router::new()
        .route("/test/outage", post(testing::simulate_outage::simulate_outage).fallback(only_post))
        .route("/test/token", post(testing::token::test_token).fallback(only_post))
        .route_layer(from_fn(reject_pages))
}
