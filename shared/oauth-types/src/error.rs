use serde::{Deserialize, Serialize};

/// The error codes of the authorization, token, introspection, revocation, userinfo and
/// registration endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A parameter is missing, doubled or malformed (RFC 6749 §5.2).
    InvalidRequest,
    /// The client did not prove who it is (RFC 6749 §5.2).
    InvalidClient,
    /// The code or refresh token is void (RFC 6749 §5.2).
    InvalidGrant,
    /// The client may not use this grant (RFC 6749 §5.2).
    UnauthorizedClient,
    /// The server does not know, or does not serve, this grant (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The scope is unknown, malformed or more than the client may ask for (RFC 6749 §5.2).
    InvalidScope,
    /// The resource is unknown, malformed or not for this client (RFC 8707 §2).
    InvalidTarget,
    /// The user, or the server, said no (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// The authorization endpoint does not answer in this way (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// Nobody is signed in, and no page may be shown (OpenID Connect Core §3.1.2.6).
    LoginRequired,
    /// The user has to be asked, and no page may be shown (OpenID Connect Core §3.1.2.6).
    ConsentRequired,
    /// The user has to choose, and no page may be shown (OpenID Connect Core §3.1.2.6).
    AccountSelectionRequired,
    /// `request` is not served, or cannot be read (OpenID Connect Core §3.1.2.6).
    InvalidRequestObject,
    /// The `request_uri` is void or unknown (RFC 9101 §6.2, RFC 9126).
    InvalidRequestUri,
    /// `request` is not served (OpenID Connect Core §6.1).
    RequestNotSupported,
    /// `request_uri` is not served (OpenID Connect Core §6.2).
    RequestUriNotSupported,
    /// The token is missing, malformed or void (RFC 6750 §3.1).
    InvalidToken,
    /// The token allows less than is needed (RFC 6750 §3.1).
    InsufficientScope,
    /// The user has not decided yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device asks too often (RFC 8628 §3.5).
    SlowDown,
    /// The device's user did not decide in time (RFC 8628 §3.5).
    ExpiredToken,
    /// This kind of token cannot be revoked here (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// A redirect URI cannot be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Something else that a client says of itself cannot be registered (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The software statement is none (RFC 7591 §3.2.2).
    InvalidSoftwareStatement,
    /// The software statement is nobody's whose word counts here (RFC 7591 §3.2.2).
    UnapprovedSoftwareStatement,
    /// The server failed; the request may be right (RFC 6749 §4.1.2.1, used with status 500).
    ServerError,
    /// The server cannot answer now; try again later (RFC 6749 §4.1.2.1, used with status 429 and
    /// 503).
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The code as it stands on the wire.
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

/// An error answer (RFC 6749 §5.2): the code for programs, the description for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{}", error.as_str(), error_description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct OAuthError {
    /// What went wrong, for programs.
    pub error: ErrorCode,
    /// What went wrong, for people: printable ASCII without `"` and `\`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Where the rule stands that the request broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_uri: Option<String>,
}

impl OAuthError {
    /// An error with its reason. What the wire does not allow in the description is replaced, and
    /// what is longer than a person reads is cut: descriptions quote callers, who could make them
    /// as long as their requests.
    pub fn new(error: ErrorCode, description: impl AsRef<str>) -> Self {
        Self {
            error,
            error_description: Some(printable(short(description.as_ref()))),
            error_uri: None,
        }
    }

    /// Add where the broken rule stands, as a URL.
    #[must_use]
    pub fn with_error_uri(mut self, url: &str) -> Self {
        self.error_uri = Some(url.to_owned());
        self
    }
}

/// The beginning of a text, as much of it as stands in one error.
fn short(text: &str) -> &str {
    text.char_indices().nth(300).map_or(text, |(end, _)| &text[..end])
}

/// `text` with everything replaced that `error_description` may not hold (RFC 6749 §5.2, RFC 6750
/// §3): what a caller sent comes back in errors, and must not be able to end a header or a quoted
/// string.
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
    fn what_a_caller_sent_comes_back_no_longer_than_a_person_reads() {
        for sent in ["x".repeat(100_000), "\u{fc}".repeat(100_000)] {
            let told = OAuthError::new(ErrorCode::InvalidRequest, sent).error_description.unwrap();
            assert_eq!(told.len(), 300);
        }
    }

    #[test]
    fn the_printed_code_is_the_code_on_the_wire() {
        for code in [
            ErrorCode::InvalidRequest,
            ErrorCode::UnsupportedGrantType,
            ErrorCode::TemporarilyUnavailable,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
