use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::ErrorCode;

use super::{
    RequestParser,
    parameters::{ParameterError, ParsedRequest},
};

const PKCE: &str = "https://www.rfc-editor.org/rfc/rfc7636#section-4.3";

impl RequestParser<'_> {
    /// Validates PKCE (RFC 7636) as RFC 9700 §2.1.1 requires: only S256, and mandatory for public
    /// clients and those that require it. WeChat's clients know no PKCE.
    pub(super) fn check_pkce(
        &self,
        request: &ParsedRequest<'_>,
    ) -> Result<Option<String>, ParameterError> {
        let is_wechat = self.wechat && request.form.get("dialect") == Some("wechat");
        let refuse = |text: &str| Err((ErrorCode::InvalidRequest, text.to_owned(), PKCE));
        match (request.form.get("code_challenge"), request.form.get("code_challenge_method")) {
            (None, None) if request.login.require_pkce && !request.login.public && !is_wechat => {
                refuse("code_challenge is missing: this client must use PKCE")
            }
            _ => check_code_challenge(request),
        }
    }
}

fn check_code_challenge(request: &ParsedRequest<'_>) -> Result<Option<String>, ParameterError> {
    let refuse = |text: &str| Err((ErrorCode::InvalidRequest, text.to_owned(), PKCE));
    match (request.form.get("code_challenge"), request.form.get("code_challenge_method")) {
        (None, Some(_)) => refuse("code_challenge_method was sent without code_challenge"),
        (None, None) if request.login.public => {
            refuse("code_challenge is missing: a public client must use PKCE")
        }
        (None, None) => Ok(None),
        (Some(_), None | Some("plain")) => {
            refuse("code_challenge_method=plain, the default, is not supported: send S256")
        }
        (Some(challenge), Some("S256")) if is_s256_challenge(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), Some("S256")) => {
            refuse("the code_challenge is not a base64url-encoded SHA-256 hash")
        }
        (Some(_), Some(_)) => refuse("the code_challenge_method is unknown: send S256"),
    }
}

/// Returns whether a code challenge is a SHA-256 hash in base64url (RFC 7636 §4.2).
pub fn is_s256_challenge(challenge: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32)
}
