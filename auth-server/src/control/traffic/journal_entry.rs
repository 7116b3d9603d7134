use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::{Field, FieldValue, HIDDEN_NAME};
use oauth_types::{AccessToken, Form, basic, bearer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Endpoint;

/// Maximum length of a recorded path or client id, in characters.
const MAX_CHARS: usize = 300;
/// Replaces a secret.
pub const HIDDEN: &str = HIDDEN_NAME;

/// A request that C received, and how it answered. It holds no secret and no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalEntry {
    /// Counts up from 1.
    pub id: u64,
    /// In milliseconds since 1970.
    pub at_millis: i64,
    pub endpoint: Endpoint,
    pub method: String,
    /// Parts that may be secrets are hidden.
    pub path: String,
    pub client_id: Option<String>,
    /// How the client or the user's token was presented.
    pub authentication: Authentication,
    /// Whether C accepted that.
    pub authenticated: bool,
    /// Whether the request has a code challenge, maybe in its request object, or a code verifier.
    pub pkce: bool,
    /// Parameters of query and body. Secrets are hidden, and tokens and codes replaced by the
    /// beginning of their SHA-256.
    pub fields: BTreeMap<String, String>,
    /// Unset if the connection ended before the response.
    pub status: Option<u16>,
    /// The error code of the response.
    pub error: Option<String>,
    /// The fault that changed the response.
    pub fault_id: Option<u64>,
}

/// What a request presents to be authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    ClientAssertion,
    Bearer,
}

/// The parts of a request that the journal keeps.
pub struct RequestFacts {
    endpoint: Endpoint,
    method: String,
    path: String,
    pub client_id: Option<String>,
    /// The access token, whose client is looked up.
    pub access_token: Option<AccessToken>,
    /// The ID token that names the client of a logout.
    pub id_token_hint: Option<String>,
    authentication: Authentication,
    pkce: bool,
    fields: BTreeMap<String, String>,
}

/// How C answered.
#[derive(Default)]
pub struct Outcome {
    pub authenticated: bool,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub fault_id: Option<u64>,
}

impl RequestFacts {
    /// Reads the parts from a request to an endpoint. `form` is its body in the encoding of a form.
    pub fn read(
        endpoint: Endpoint,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        form: &[u8],
    ) -> Self {
        let query = uri.query().unwrap_or_default().as_bytes();
        let mut fields = BTreeMap::new();
        for encoded in [query, form] {
            for field in Field::parameters(encoded) {
                let value = text_of(field.value);
                fields
                    .entry(field.name)
                    .and_modify(|before: &mut String| {
                        before.push(' ');
                        before.push_str(&value);
                    })
                    .or_insert(value);
            }
        }
        let named = |name: &str| {
            [form, query].iter().find_map(|encoded| {
                let (form, _) = Form::parse_with_duplicates(encoded).ok()?;
                form.get(name).map(str::to_owned)
            })
        };
        let header = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let in_basic = header.and_then(basic::parse);
        let in_bearer = header.and_then(bearer::parse);
        let in_parameter = (endpoint == Endpoint::Userinfo).then(|| named("access_token"));
        let in_parameter = in_parameter.flatten().map(AccessToken::new);
        let has = |names: [&str; 2]| names.iter().any(|name| fields.contains_key(*name));
        let authentication = if in_basic.is_some() {
            Authentication::ClientSecretBasic
        } else if in_bearer.is_some() || in_parameter.is_some() {
            Authentication::Bearer
        } else if has(["client_assertion", "client_assertion_type"]) {
            Authentication::ClientAssertion
        } else if has(["client_secret", "secret"]) {
            Authentication::ClientSecretPost
        } else {
            Authentication::None
        };
        let basic_client_id = in_basic.and_then(Result::ok).map(|(client_id, _)| client_id);
        Self {
            endpoint,
            method: method.to_string(),
            path: public_path(uri.path()),
            client_id: basic_client_id
                .or_else(|| named("client_id"))
                .or_else(|| named("appid"))
                .or_else(|| registered_client(uri.path())),
            access_token: in_bearer.and_then(Result::ok).or(in_parameter),
            id_token_hint: (endpoint == Endpoint::Logout).then(|| named("id_token_hint")).flatten(),
            authentication,
            pkce: named("code_challenge").or_else(|| named("code_verifier")).is_some()
                || named("request").is_some_and(|object| has_code_challenge(&object)),
            fields,
        }
    }

    /// Returns the entry of the journal, which gives it an id.
    pub fn entry(&self, at_millis: i64, outcome: Outcome) -> JournalEntry {
        let Outcome { authenticated, status, error, fault_id } = outcome;
        JournalEntry {
            id: 0,
            at_millis,
            endpoint: self.endpoint,
            method: self.method.clone(),
            path: self.path.clone(),
            client_id: self.client_id.as_deref().map(truncated),
            authentication: self.authentication,
            authenticated,
            pkce: self.pkce,
            fields: self.fields.clone(),
            status,
            error,
            fault_id,
        }
    }
}

/// Returns the client whose registration is read, changed or deleted (RFC 7592).
fn registered_client(path: &str) -> Option<String> {
    let client_id = path.strip_prefix("/oauth/register/")?;
    (!client_id.is_empty()).then(|| client_id.to_owned())
}

/// Returns whether a request object, whose signature is not verified, has a code challenge.
fn has_code_challenge(request_object: &str) -> bool {
    let payload = request_object.split('.').nth(1).unwrap_or_default();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    claims["code_challenge"].as_str().is_some_and(|challenge| !challenge.is_empty())
}

/// Returns a parameter as the journal writes it; `None` if it hides the values of this name.
pub fn public_value(name: &str, value: &str) -> Option<String> {
    match Field::parameter(name, value).value {
        FieldValue::Secret => None,
        public => Some(text_of(public)),
    }
}

/// Returns a path without the parts that may be secrets.
pub fn public_path(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "" => part,
        part => Field::public_name(part),
    });
    truncated(&parts.collect::<Vec<_>>().join("/"))
}

fn text_of(value: FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text,
        FieldValue::Secret => HIDDEN.to_owned(),
        FieldValue::Fingerprint(fingerprint) => format!("sha256:{fingerprint}"),
    }
}

/// Returns a text as long as the journal keeps it.
pub fn truncated(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use serde_json::json;

    use super::*;

    fn read(uri: &str, authorization: Option<&str>, form: &str) -> RequestFacts {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        let uri: Uri = uri.parse().unwrap();
        let endpoint = Endpoint::of(uri.path(), true);
        RequestFacts::read(endpoint, &Method::POST, &uri, &headers, form.as_bytes())
    }

    #[test]
    fn client_and_its_authentication_are_found() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("shop%3A1:abc123"));
        for (authorization, form, client_id, authentication) in [
            (Some(&*basic), "grant_type=x", Some("shop:1"), Authentication::ClientSecretBasic),
            (Some("Basic %%%"), "client_id=a", Some("a"), Authentication::ClientSecretBasic),
            (None, "client_id=a&client_secret=b", Some("a"), Authentication::ClientSecretPost),
            (None, "client_id=a", Some("a"), Authentication::None),
            (None, "client_id=a&access_token=b", Some("a"), Authentication::None),
            (None, "client_id=a&client_assertion=e30", Some("a"), Authentication::ClientAssertion),
            (Some("Bearer gpat_1"), "", None, Authentication::Bearer),
            (Some("Digest a"), "client_id=a", Some("a"), Authentication::None),
        ] {
            let facts = read("/oauth/token", authorization, form);
            assert_eq!(facts.client_id.as_deref(), client_id, "{form}");
            assert_eq!(facts.authentication, authentication, "{form}");
        }
    }

    #[test]
    fn pkce_is_a_challenge_or_a_verifier_that_is_not_empty() {
        let object = |claims: Value| {
            let payload = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
            format!("request=e30.{payload}.c2ln")
        };
        for (form, has_pkce) in [
            ("code_challenge=abc", true),
            ("code_verifier=abc", true),
            ("code_challenge=&code_verifier=", false),
            ("client_id=a", false),
            (&object(json!({ "code_challenge": "abc" })), true),
            (&object(json!({ "code_challenge": "" })), false),
            (&object(json!({ "scope": "openid" })), false),
            ("request=broken", false),
        ] {
            assert_eq!(read("/oauth/par", None, form).pkce, has_pkce, "{form}");
        }
    }

    #[test]
    fn access_token_is_found_wherever_userinfo_takes_it() {
        for (uri, authorization, form) in [
            ("/userinfo", Some("Bearer gpat_1"), ""),
            ("/userinfo", None, "access_token=gpat_1"),
            ("/sns/userinfo?access_token=gpat_1&openid=1", None, ""),
        ] {
            let facts = read(uri, authorization, form);
            assert_eq!(facts.authentication, Authentication::Bearer, "{uri}");
            assert_eq!(facts.access_token.unwrap().expose(), "gpat_1", "{uri}");
        }
    }

    #[test]
    fn entry_holds_no_secret() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("shop:abc123"));
        let form = "code=gpac_secret&client_secret=abc123&password=wonderland&unknown=hush\
                    &{\"client_secret\":\"in-json\"}";
        let facts = read("/oauth/token/in:path?state=xyzzy&in%3Aquery", Some(&basic), form);
        let entry = facts.entry(0, Outcome::default());
        let json = serde_json::to_string(&entry).unwrap();
        for secret in [
            "abc123",
            "gpac_secret",
            "wonderland",
            "hush",
            "xyzzy",
            "in-json",
            "in:path",
            "in:query",
        ] {
            assert!(!json.contains(secret), "{secret} in {json}");
        }
        assert_eq!(entry.fields["client_secret"], HIDDEN);
        assert_eq!(entry.path, format!("/oauth/token/{HIDDEN}"));
    }
}
