//! Every route of B on one page.

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use token_verifier::{Verifier, reject_token_in_form_body};

use crate::endpoints::{do_something, legacy, openapi, protected_resource, resource};

/// What the endpoints share.
#[derive(Clone, FromRef)]
pub struct App {
    pub verifier: Verifier,
    /// Present only in the demonstration of the old way.
    pub legacy: Option<Arc<legacy::Legacy>>,
}

/// Every route.
pub fn routes(app: App) -> Router {
    // A body that is a form may hold a second token: each route that takes bodies has this. Of GET
    // bodies nobody takes anything (RFC 6750 §2.2).
    let no_token_in_form = from_fn_with_state(app.verifier.clone(), reject_token_in_form_body);
    let secret_in_header = from_fn_with_state(app.legacy.clone(), legacy::secret_in_header);
    let mut routes = Router::new()
        .route("/api/resource", get(resource::resource))
        .route(
            "/api/do_something",
            post(do_something::do_something).layer(no_token_in_form).layer(secret_in_header),
        )
        .route("/.well-known/oauth-protected-resource", get(protected_resource::protected_resource))
        .route("/openapi.json", get(openapi::openapi));
    if let Some(legacy) = &app.legacy {
        routes = routes.route("/api", get(legacy::secret_in_query).with_state(Arc::clone(legacy)));
    }
    routes.with_state(app)
}
