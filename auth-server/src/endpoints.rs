//! One file an endpoint, named as the endpoint. None knows another.

mod home;
mod introspect;
mod jwks;
mod metadata;
mod openapi;
mod read_form;
mod revoke;
mod token;

pub use home::home;
pub use introspect::introspect;
pub use jwks::jwks;
pub use metadata::metadata;
pub use openapi::openapi;
pub use revoke::revoke;
pub use token::token;

use axum::{
    Json,
    http::{StatusCode, header::ALLOW},
    response::IntoResponse,
};

use crate::failure::Failure;

/// What a form endpoint answers to other methods than POST.
pub async fn only_post() -> impl IntoResponse {
    let failure = Failure::invalid_request(
        "this endpoint takes POST with a form body only",
        "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
    );
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], Json(failure.error))
}
