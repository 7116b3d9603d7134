use oauth_http::{ClientCredentials, FormRequest};

use super::add_target;
use crate::{device_authorization::DeviceAuthorization, token_target::TokenTarget};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Starts the login of a user on another device (RFC 8628 §3.1).
pub(crate) fn authorization_request<'a>(
    credentials: &'a ClientCredentials,
    target: &TokenTarget,
) -> FormRequest<'a> {
    let mut request = FormRequest::new(credentials);
    add_target(&mut request, target);
    request
}

/// Asks whether the user has decided (RFC 8628 §3.4).
pub(crate) fn request<'a>(
    credentials: &'a ClientCredentials,
    authorization: &'a DeviceAuthorization,
) -> FormRequest<'a> {
    let mut request = FormRequest::token_request(credentials, GRANT_TYPE);
    request.credential("device_code", authorization.device_code.expose());
    request
}
