use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, delete, get, post, put},
};

use super::{
    access::require_access, call_extras::check_extras, claims, clients, clock,
    context::ControlContext, devices, error::ControlError, faults, issuers, keys, logins, logouts,
    next_logins, openapi, requests, reset, resources, revocations, seed, server_state, tokens,
    users,
};

/// Returns every route of the control API.
pub fn routes(context: Arc<ControlContext>) -> Router {
    Router::new()
        .route("/control", get(server_state::server_state))
        .route(
            "/control/claims",
            get(claims::claims).put(claims::put_claims).delete(claims::delete_claims),
        )
        .route(
            "/control/clients/{client_id}",
            get(clients::client).put(clients::put_client).delete(clients::delete_client),
        )
        .route("/control/clock", get(clock::clock).put(clock::set_clock))
        .route("/control/clock/advance", post(clock::advance_clock))
        .route("/control/issuers/{name}", put(issuers::set))
        .route("/control/keys/rotate", post(keys::rotate))
        .route("/control/tokens", post(tokens::mint))
        .route("/control/revocations", post(revocations::revoke))
        .route("/control/logins", post(logins::log_in))
        .route("/control/logouts", post(logouts::log_out))
        .route("/control/devices", post(devices::decide))
        .route(
            "/control/next-logins",
            get(next_logins::list).post(next_logins::add).delete(next_logins::delete_all),
        )
        .route("/control/next-logins/{id}", delete(next_logins::delete_one))
        .route("/control/faults", get(faults::list).post(faults::add).delete(faults::delete_all))
        .route("/control/faults/{id}", delete(faults::delete_one))
        .route("/control/requests", get(requests::list).delete(requests::delete_all))
        .route("/control/requests/verify", post(requests::verify))
        .route("/control/openapi.json", get(openapi::openapi))
        .route("/control/reset", post(reset::reset))
        .route(
            "/control/resources",
            get(resources::resource)
                .put(resources::put_resource)
                .delete(resources::delete_resource),
        )
        .route("/control/seed", get(seed::seed))
        .route(
            "/control/users/{username}",
            get(users::user).put(users::put_user).delete(users::delete_user),
        )
        .route("/", any(unknown_call))
        .route("/{*path}", any(unknown_call))
        // Before the layers, so that these responses need the token too.
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(Arc::clone(&context), check_extras))
        .layer(from_fn_with_state(Arc::clone(&context.policy), require_access))
        .with_state(context)
}

async fn unknown_call() -> ControlError {
    let text = "the control API has no such path; see /control/openapi.json";
    ControlError::not_found("not_found", text)
}

async fn unknown_method() -> ControlError {
    ControlError::unknown_method()
}
