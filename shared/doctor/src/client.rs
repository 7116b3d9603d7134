use base64::{Engine, prelude::BASE64_STANDARD};
use oauth_types::{ClientAuthMethod, ClientSecret, basic, printable};
use serde::Deserialize;
use serde_json::Value;

use crate::{diagnosis::SettingNames, http_probe::ProbeResponse};

/// The issuer's error description is truncated to this many characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// A client and the location of its settings.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: ClientSecret,
    /// Its authentication method at the token endpoint.
    pub method: ClientAuthMethod,
    /// Names of its settings `client_id` and `client_secret`.
    pub names: SettingNames,
    /// The setting of the method. `None` if the method is chosen from what the issuer supports.
    pub method_setting: Option<&'static str>,
}

/// An error response of an endpoint that requires client authentication (RFC 6749 §5.2).
#[derive(Clone, Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    /// The OAuth error code, or a description of the status if there is none.
    pub(crate) code: String,
    /// The issuer's description, unless it contains the secret.
    pub(crate) description: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Option<Value>,
    error_description: Option<String>,
}

impl Client {
    /// Adds the credentials to `form`, or returns the `Authorization` header.
    pub(crate) fn authenticate<'a>(&'a self, form: &mut Vec<(&'a str, &'a str)>) -> Option<String> {
        match self.method {
            ClientAuthMethod::Post => {
                form.extend([
                    ("client_id", self.id.as_str()),
                    ("client_secret", self.secret.expose()),
                ]);
                None
            }
            ClientAuthMethod::Basic => Some(basic::format(&self.id, &self.secret)),
        }
    }

    /// Parses an error response. Some servers repeat what they received, so the secret is removed.
    pub(crate) fn error_response(&self, reply: &ProbeResponse) -> ErrorResponse {
        let body = serde_json::from_slice(&reply.body)
            .unwrap_or(ErrorBody { error: None, error_description: None });
        let code = body.error.as_ref().and_then(Value::as_str).map_or_else(
            || format!("status {} without an OAuth error", reply.status),
            |code| self.without_secret(code),
        );
        let description =
            body.error_description.map(|text| self.without_secret(&text)).unwrap_or_default();
        ErrorResponse { status: reply.status, code, description }
    }

    fn without_secret(&self, text: &str) -> String {
        let secret = self.secret.expose();
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let header = basic::format(&self.id, &self.secret);
        let forms = [
            secret,
            &encoded,
            &BASE64_STANDARD.encode(secret),
            header.trim_start_matches("Basic "),
        ];
        if forms.iter().any(|form| !form.is_empty() && text.contains(form)) {
            return "[hidden because it contains the client secret]".to_owned();
        }
        printable(text).chars().take(MAX_DESCRIPTION_CHARS).collect()
    }
}

impl ErrorResponse {
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Returns whether client authentication failed. Some issuers respond with 401 and another
    /// code.
    pub(crate) fn is_client_error(&self) -> bool {
        self.is("invalid_client") || self.status == 401
    }

    pub(crate) fn summary(&self) -> String {
        let colon = if self.description.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", self.code, self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let (id, secret) = ("a".to_owned(), ClientSecret::new("s3cr=t & more"));
        Client {
            id,
            secret,
            method: ClientAuthMethod::Post,
            names: SettingNames::of("service-a"),
            method_setting: None,
        }
    }

    fn reply(body: &str) -> ProbeResponse {
        let (location, date) = (None, None);
        ProbeResponse {
            status: 401,
            location,
            is_html: false,
            body: body.as_bytes().to_vec(),
            date,
            between: [0, 0],
        }
    }

    #[test]
    fn error_description_with_the_secret_is_hidden() {
        for form in [
            "s3cr=t & more",
            "s3cr%3Dt+%26+more",
            "czNjcj10ICYgbW9yZQ==",
            "YTpzM2NyJTNEdCslMjYrbW9yZQ==",
        ] {
            let body = serde_json::json!({ "error": "invalid_client", "error_description": format!("not {form}!") });
            let summary = client().error_response(&reply(&body.to_string())).summary();
            assert!(
                summary.starts_with("invalid_client: [") && !summary.contains(form),
                "{summary}"
            );
        }
    }

    #[test]
    fn error_description_is_part_of_the_summary() {
        let error = client().error_response(&reply(
            r#"{"error":"invalid_client","error_description":"V7000215: wrong"}"#,
        ));
        assert_eq!(error.summary(), "invalid_client: V7000215: wrong");
        assert_eq!(
            client().error_response(&reply("<html>")).summary(),
            "status 401 without an OAuth error"
        );
    }
}
