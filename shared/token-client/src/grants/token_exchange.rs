use oauth_http::{ClientCredentials, FormRequest};
use oauth_types::AccessToken;

use super::add_target;
use crate::token_target::TokenTarget;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Exchanges a user's token for one with which this client acts for the user at another resource
/// server (RFC 8693 §2.1).
pub(crate) fn request<'a>(
    credentials: &'a ClientCredentials,
    subject: &'a AccessToken,
    target: &TokenTarget,
) -> FormRequest<'a> {
    let mut request = FormRequest::token_request(credentials, GRANT_TYPE);
    request.token("subject_token", subject);
    request.text("subject_token_type", ACCESS_TOKEN_TYPE);
    add_target(&mut request, target);
    request
}
