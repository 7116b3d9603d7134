//! Every route of B.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use token_verifier::reject_token_in_form_body;

use crate::{
    endpoints::{admin, do_something, index, legacy, openapi, protected_resource, resource},
    state::AppState,
};

pub(crate) fn router(state: AppState) -> Router {
    // RFC 6750 §2.2: a form body may hold a second token. Every route that reads bodies has this
    // layer.
    let no_token_in_form = from_fn_with_state(state.verifier.clone(), reject_token_in_form_body);
    let secret_in_header =
        from_fn_with_state(state.legacy_client.clone(), legacy::secret_in_header);
    let mut routes = Router::new()
        .route("/", get(index::index))
        .route("/api/resource", get(resource::resource))
        .route("/api/admin", get(admin::admin))
        .route(
            "/api/do_something",
            post(do_something::do_something).layer(no_token_in_form).layer(secret_in_header),
        )
        .route("/.well-known/oauth-protected-resource", get(protected_resource::protected_resource))
        .route("/openapi.json", get(openapi::openapi));
    // RFC 9728 §3.1: the path of the resource follows. The challenges name this URL.
    if let Some(path) = state.verifier.metadata_path() {
        routes =
            routes.without_v07_checks().route(&path, get(protected_resource::protected_resource));
    }
    if let Some(client) = &state.legacy_client {
        routes = routes.route("/api", get(legacy::secret_in_query).with_state(Arc::clone(client)));
    }
    routes.with_state(state)
}
