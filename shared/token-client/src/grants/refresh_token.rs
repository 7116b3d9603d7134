use oauth_http::{ClientCredentials, FormRequest};
use oauth_types::RefreshToken;

use super::add_target;
use crate::token_target::TokenTarget;

/// Refreshes the tokens of a user (RFC 6749 §6). The target may be narrower than that of the grant.
pub(crate) fn request<'a>(
    credentials: &'a ClientCredentials,
    refresh_token: &'a RefreshToken,
    target: &TokenTarget,
) -> FormRequest<'a> {
    let mut request = FormRequest::token_request(credentials, "refresh_token");
    request.credential("refresh_token", refresh_token.expose());
    add_target(&mut request, target);
    request
}
