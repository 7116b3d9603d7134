use serde::{Deserialize, Serialize};

/// The error codes of the authorization, token, introspection, revocation, userinfo and
/// registration endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// A parameter is missing, repeated or malformed (RFC 6749 §5.2).
    InvalidRequest,
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient,
    /// The authorization code or refresh token is invalid, expired, revoked or issued to another
    /// client (RFC 6749 §5.2).
    InvalidGrant,
    /// The client is not allowed to use this grant type (RFC 6749 §5.2).
    UnauthorizedClient,
    /// The server does not support this grant type (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The requested scope is unknown, malformed or exceeds what the client may request (RFC 6749
    /// §5.2).
    InvalidScope,
    /// The requested resource is unknown, malformed or not allowed for this client (RFC 8707 §2).
    InvalidTarget,
    /// The user or the server denied the request (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// The server does not support this `response_type` (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// The user has to sign in, but the request forbids interaction with `prompt=none`, or another
    /// user signed in than the one in `id_token_hint` (OpenID Connect Core §3.1.2.6).
    LoginRequired,
    /// The user has to consent, but the request forbids interaction with `prompt=none` (OpenID
    /// Connect Core §3.1.2.6).
    ConsentRequired,
    /// The user has to select an account, but the request forbids interaction with `prompt=none`
    /// (OpenID Connect Core §3.1.2.6).
    AccountSelectionRequired,
    /// The request object in `request` is invalid, or its signature cannot be verified (OpenID
    /// Connect Core §3.1.2.6).
    InvalidRequestObject,
    /// The `request_uri` is unknown or expired, or its content is invalid (RFC 9101 §7, RFC 9126).
    InvalidRequestUri,
    /// The server does not support the parameter `request` (OpenID Connect Core §6.1).
    RequestNotSupported,
    /// The server does not support this `request_uri` (OpenID Connect Core §6.2).
    RequestUriNotSupported,
    /// The access token is missing, malformed, expired, revoked or otherwise invalid (RFC 6750
    /// §3.1).
    InvalidToken,
    /// The scope of the access token does not allow the request (RFC 6750 §3.1).
    InsufficientScope,
    /// The user has not yet decided about the device authorization (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device polls too often; it must increase its interval by 5 seconds (RFC 8628 §3.5).
    SlowDown,
    /// The device code expired before the user decided (RFC 8628 §3.5).
    ExpiredToken,
    /// The server does not support the revocation of this token type (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// A redirect URI of the client metadata is invalid (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Another member of the client metadata is invalid (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The software statement is invalid (RFC 7591 §3.2.2).
    InvalidSoftwareStatement,
    /// The server does not accept this software statement (RFC 7591 §3.2.2).
    UnapprovedSoftwareStatement,
    /// The server failed to process the request (RFC 6749 §4.1.2.1, sent with status 500).
    ServerError,
    /// The server cannot process the request now; retry later (RFC 6749 §4.1.2.1, sent with status
    /// 429 or 503).
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// Returns the code as sent in `error`, for example `invalid_request`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// An error response (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{}", error.as_str(), error_description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct OAuthError {
    /// The error code, for programs.
    pub error: ErrorCode,
    /// The description for developers: printable ASCII without `"` and `\`, at most 300 characters
    /// if built with [`OAuthError::new`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// The URL of the specification section that the request violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_uri: Option<String>,
}

impl OAuthError {
    /// Creates an error with a description.
    ///
    /// Characters that `error_description` does not allow are replaced, and the description is cut
    /// to 300 characters: it may quote input of the caller, who controls its length.
    pub fn new(error: ErrorCode, description: impl AsRef<str>) -> Self {
        Self {
            error,
            error_description: Some(printable(short(description.as_ref()))),
            error_uri: None,
        }
    }

    /// Sets `error_uri`, the URL of the violated specification section.
    #[must_use]
    pub fn with_error_uri(mut self, url: &str) -> Self {
        self.error_uri = Some(url.to_owned());
        self
    }
}

/// Returns the first 300 characters.
fn short(text: &str) -> &str {
    text.char_indices().nth(300).map_or(text, |(end, _)| &text[..end])
}

/// Replaces the characters that `error_description` does not allow (RFC 6749 §5.2, RFC 6750 §3):
/// `"` and `\` become `'`, everything else outside printable ASCII becomes `?`.
///
/// Errors quote caller input, which must not end a header or a quoted string.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            '\x20'..='\x7E' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_of_rfc_6749() {
        let error = OAuthError::new(ErrorCode::InvalidScope, "no \"x\"\r\n");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"error":"invalid_scope","error_description":"no 'x'??"}"#
        );
    }

    #[test]
    fn quoted_input_is_truncated() {
        for sent in ["x".repeat(100_000), "\u{fc}".repeat(100_000)] {
            let description =
                OAuthError::new(ErrorCode::InvalidRequest, sent).error_description.unwrap();
            assert_eq!(description.len(), 300);
        }
    }

    #[test]
    fn displayed_code_is_the_serialized_code() {
        for code in [
            ErrorCode::InvalidRequest,
            ErrorCode::UnsupportedGrantType,
            ErrorCode::TemporarilyUnavailable,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
