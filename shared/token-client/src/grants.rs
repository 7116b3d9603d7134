//! The grants that this client uses, one file each.

pub(crate) mod client_credentials;
pub(crate) mod token_exchange;

use oauth_http::FormRequest;

use crate::token_target::TokenTarget;

/// Adds what the token is for.
fn add_target(request: &mut FormRequest<'_>, target: &TokenTarget) {
    if !target.scope.is_empty() {
        request.text("scope", &target.scope.to_string());
    }
    // RFC 8707 §2: a token for one resource server is useless at every other, should it be stolen.
    if let Some(resource) = &target.resource {
        request.text("resource", resource);
    }
}
