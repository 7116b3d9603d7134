use oauth_http::HttpResponse;
use oauth_types::{AccessToken, printable};
use secrecy::SecretString;
use serde_json::Value;

use crate::providers::{ProviderError, ProviderRequest};

/// Longest error code of a provider that is logged, in characters.
const MAX_ERROR_CODE: usize = 60;

/// A token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
pub(super) struct TokenResponse {
    pub(super) access_token: AccessToken,
    /// In seconds.
    pub(super) expires_in: Option<i64>,
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
            expires_in: body.get("expires_in").and_then(seconds),
            refresh_token: text("refresh_token").map(|token| token.to_owned().into()),
            id_token: text("id_token").map(str::to_owned),
        })
    }
}

/// Reads a lifetime. Some providers send it as text. One that cannot be read counts as absent:
/// `expires_in` is only recommended.
fn seconds(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        number => number.as_f64()?,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the value is in range")]
    (0.0..=f64::from(u32::MAX)).contains(&seconds).then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetime_is_a_number_or_text() {
        for (value, expected) in [
            (json!(600), Some(600)),
            (json!(600.5), Some(600)),
            (json!("600"), Some(600)),
            (json!("soon"), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("NaN"), None),
            (json!(null), None),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }
}
