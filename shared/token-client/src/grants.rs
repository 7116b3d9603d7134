//! The grants that this client uses, one file each.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;

use oauth_http::FormRequest;

use crate::token_target::TokenTarget;

/// Adds the parameters `scope` and `resource`.
fn add_target(request: &mut FormRequest<'_>, target: &TokenTarget) {
    if !target.scope.is_empty() {
        request.text("scope", &target.scope.to_string());
    }
    // A stolen token that is restricted to one resource server is useless at any other (RFC 8707
    // §2).
    if let Some(resource) = &target.resource {
        request.text("resource", resource);
    }
}
