use oauth_http::{ClientCredentials, FormRequest};

use crate::authorization_code::AuthorizationCode;

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(crate) fn request<'a>(
    credentials: &'a ClientCredentials,
    code: &'a AuthorizationCode,
) -> FormRequest<'a> {
    let mut request = FormRequest::token_request(credentials, "authorization_code");
    request.credential("code", &code.code);
    request.text("redirect_uri", &code.redirect_uri);
    request.credential("code_verifier", code.code_verifier.expose());
    request
}
