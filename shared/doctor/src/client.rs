use base64::{Engine, prelude::BASE64_STANDARD};
use oauth_types::{ClientAuthMethod, ClientSecret, basic, printable};
use serde::Deserialize;
use serde_json::Value;

use crate::{diagnosis::SettingNames, http_probe::ProbeResponse};

/// Longer reasons help nobody.
const MAX_WORDS: usize = 200;

/// Who asks, and where that is configured.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: ClientSecret,
    /// How it proves who it is.
    pub method: ClientAuthMethod,
    /// Where its settings stand: `client_id`, `client_secret`.
    pub names: SettingNames,
    /// The setting of the method; none where it is chosen by what the issuer offers.
    pub method_setting: Option<&'static str>,
}

/// An answer of an endpoint that takes client credentials, other than a good one.
#[derive(Clone, Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    /// The OAuth error code, where there was one.
    pub(crate) code: String,
    /// The issuer's own words, unless they give the secret away.
    pub(crate) words: String,
}

#[derive(Deserialize)]
struct Said {
    error: Option<Value>,
    error_description: Option<String>,
}

impl Client {
    /// Add the proof to a form, or give it as a header.
    pub(crate) fn prove<'a>(&'a self, form: &mut Vec<(&'a str, &'a str)>) -> Option<String> {
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

    /// The words of an answer. Careless servers repeat what they were sent.
    pub(crate) fn refused(&self, reply: &ProbeResponse) -> ErrorResponse {
        let said = serde_json::from_slice(&reply.body)
            .unwrap_or(Said { error: None, error_description: None });
        let code = said.error.as_ref().and_then(Value::as_str).map_or_else(
            || format!("status {} and no error of OAuth", reply.status),
            |code| self.without_secret(code),
        );
        let words =
            said.error_description.map(|words| self.without_secret(&words)).unwrap_or_default();
        ErrorResponse { status: reply.status, code, words }
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
            return "[the answer repeats the secret, and is not shown]".to_owned();
        }
        printable(text).chars().take(MAX_WORDS).collect()
    }
}

impl ErrorResponse {
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Who asks did not prove who it is, in whatever way the issuer says so.
    pub(crate) fn is_about_the_client(&self) -> bool {
        self.is("invalid_client") || self.status == 401
    }

    pub(crate) fn shown(&self) -> String {
        let colon = if self.words.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", self.code, self.words)
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
    fn an_answer_that_repeats_the_secret_is_not_shown() {
        for form in [
            "s3cr=t & more",
            "s3cr%3Dt+%26+more",
            "czNjcj10ICYgbW9yZQ==",
            "YTpzM2NyJTNEdCslMjYrbW9yZQ==",
        ] {
            let body = serde_json::json!({ "error": "invalid_client", "error_description": format!("not {form}!") });
            let shown = client().refused(&reply(&body.to_string())).shown();
            assert!(shown.starts_with("invalid_client: [") && !shown.contains(form), "{shown}");
        }
    }

    #[test]
    fn the_issuers_own_words_are_shown() {
        let refused = client()
            .refused(&reply(r#"{"error":"invalid_client","error_description":"V7000215: wrong"}"#));
        assert_eq!(refused.shown(), "invalid_client: V7000215: wrong");
        assert_eq!(client().refused(&reply("<html>")).shown(), "status 401 and no error of OAuth");
    }
}
