//! Signed requests (RFC 9101), pushed requests (RFC 9126), and the parameters that refer to them.

use oauth_types::ErrorCode;

use super::{
    RequestParser,
    parameters::{ParameterError, ParsedRequest},
};

impl RequestParser<'_> {
    /// Requires a pushed request if the client registered that (RFC 9126 §6).
    pub(super) fn check_pushed(&self, request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
        if request.login.require_pushed_authorization_requests && self.pushed.is_none() {
            let text = "this client must use pushed authorization requests".to_owned();
            return Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc9126#section-6",
            ));
        }
        Ok(())
    }

    /// Requires a signed request if the client registered that (RFC 9101 §10.5).
    pub(super) fn check_signed(&self, request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
        let is_signed = request.is_signed || self.is_stored;
        if request.login.require_signed_request_object && !is_signed {
            let text = "this client must sign its authorization requests: send request".to_owned();
            return Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc9101#section-10.5",
            ));
        }
        Ok(())
    }
}

pub(super) fn check_signature(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9101#section-6";
    let refuse = |why: &str| {
        (ErrorCode::InvalidRequestObject, format!("the request object cannot be used: {why}"), RULE)
    };
    request.signature.map_err(refuse)
}

/// Rejects a `request_uri` that this server did not issue. Fetching it would allow server-side
/// request forgery (RFC 9101 §5.2.3).
pub(super) fn reject_unknown_request_uri(
    request: &ParsedRequest<'_>,
) -> Result<(), ParameterError> {
    const RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests";
    if request.form.get("request_uri").is_some() {
        let text = "only request_uri values that this server has issued are supported".to_owned();
        return Err((ErrorCode::RequestUriNotSupported, text, RULE));
    }
    Ok(())
}
