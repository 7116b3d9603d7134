//! Every route of A, except those of the management listener.

use axum::{
    Router,
    middleware::from_fn,
    routing::{get, post},
};
use service_kit::require_same_origin;

use crate::{
    api::{call_b, call_b_legacy, openapi},
    state::AppState,
    website::{
        account, backchannel_logout, callback, home, link, login, logout, my_resource, stylesheet,
        unlink,
    },
};

/// Builds the router. `GET /api/call-b` exists only with `anonymous_reads`, `POST` only with
/// `anonymous_writes`, and `GET /api/call-b-legacy` only with `legacy_secret_demo`.
pub fn routes(state: AppState) -> Router {
    // They rely on cookies, and `call-b` on the caller's network position.
    let same_origin = Router::new()
        .route("/link/{provider}", post(link::link))
        .route("/unlink", post(unlink::unlink))
        .route("/logout", post(logout::logout));
    let same_origin = match state.anonymous_reads {
        true => same_origin.route("/api/call-b", get(call_b::read)),
        false => same_origin,
    };
    let same_origin = match state.anonymous_writes {
        true => same_origin.route("/api/call-b", post(call_b::write)),
        false => same_origin,
    };
    let routes = Router::new()
        .route("/", get(home::home))
        .route("/login/{provider}", get(login::login).post(login::login_by_form))
        .route("/callback/{provider}", get(callback::by_query).post(callback::by_form))
        .route("/account", get(account::account))
        .route("/my-resource", get(my_resource::my_resource))
        .route("/backchannel-logout/{provider}", post(backchannel_logout::backchannel_logout))
        .route("/assets/style.css", get(stylesheet::stylesheet))
        .route("/openapi.json", get(openapi::openapi))
        .merge(same_origin.route_layer(from_fn(require_same_origin)));
    let routes = match state.legacy {
        Some(_) => routes.route("/api/call-b-legacy", get(call_b_legacy::call_b_legacy)),
        None => routes,
    };
    routes.with_state(state)
}
