use oauth_http::{ClientCredentials, FormRequest};

use super::add_target;
use crate::token_target::TokenTarget;

/// Requests a token for the client itself (RFC 6749 §4.4.2).
pub(crate) fn request<'a>(
    credentials: &'a ClientCredentials,
    target: &TokenTarget,
) -> FormRequest<'a> {
    let mut request = FormRequest::token_request(credentials, "client_credentials");
    add_target(&mut request, target);
    request
}
