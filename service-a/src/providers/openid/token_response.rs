use oauth_http::HttpResponse;
use oauth_types::{AccessToken, lifetime_seconds, printable};
use secrecy::SecretString;
use serde_json::Value;

use crate::providers::{ProviderError, ProviderRequest};

/// Maximum length of an error code of a provider that is logged, in characters.
const MAX_ERROR_CODE: usize = 60;

/// A token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
pub(super) struct TokenResponse {
    pub(super) access_token: AccessToken,
    /// In seconds. One that cannot be read counts as absent: it is only recommended.
    pub(super) expires_in: Option<u64>,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) id_token: Option<String>,
}

impl TokenResponse {
    /// Reads a response of the token endpoint. Errors never quote the body, which may contain a
    /// secret.
    pub(super) fn read(response: &HttpResponse) -> Result<Self, ProviderError> {
        let request = ProviderRequest::Token;
        let invalid = |reason: &str| ProviderError::InvalidResponse(request, reason.to_owned());
        let body = response.json::<Value>();
        if !response.status.is_success() {
            let error = body.as_ref().ok().and_then(|body| body.get("error")?.as_str());
            return Err(match error {
                _ if response.is_unavailable() => ProviderError::status(request, response.status),
                Some("invalid_grant") => {
                    ProviderError::InvalidGrant(request, "invalid_grant".to_owned())
                }
                Some(error) => {
                    let error: String = printable(error).chars().take(MAX_ERROR_CODE).collect();
                    invalid(&format!("the error `{error}`"))
                }
                None => ProviderError::status(request, response.status),
            });
        }
        let body = body.map_err(|_| invalid("not a JSON token response"))?;
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access_token =
            text("access_token").ok_or_else(|| invalid("`access_token` is missing"))?;
        // RFC 6749 §7.1: a client must not use a token whose type it does not know.
        if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(invalid("`token_type` is not `Bearer`"));
        }
        Ok(Self {
            access_token: AccessToken::new(access_token),
            expires_in: body.get("expires_in").and_then(lifetime_seconds),
            refresh_token: text("refresh_token").map(|token| token.to_owned().into()),
            id_token: text("id_token").map(str::to_owned),
        })
    }
}
