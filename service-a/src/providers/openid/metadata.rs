use oauth_types::parse_endpoint_url;
use serde_json::Value;
use url::Url;

use super::{claims::claim_text, keys::KeySet};

/// The metadata that A uses (OpenID Connect Discovery §3), and the provider's keys. Malformed
/// members that A does not use are ignored.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<Url>,
    /// Whether the token endpoint accepts `client_secret_basic`.
    pub(super) accepts_basic: bool,
    /// Whether authorization responses contain `iss` (RFC 9207 §3).
    pub(super) sends_iss: bool,
    pub(super) keys: KeySet,
}

/// Metadata without the keys, which are at `jwks_uri`.
pub(super) struct MetadataDocument(Value);

impl MetadataDocument {
    /// Checks that the document is the metadata of `issuer` (OpenID Connect Discovery §4.3).
    pub(super) fn of_issuer(document: Value, issuer: &str) -> Result<Self, String> {
        match document.get("issuer") {
            Some(found) if found == issuer => Ok(Self(document)),
            found => Err(format!("`issuer` is {}, not \"{issuer}\"", claim_text(found))),
        }
    }

    /// Returns the URL of the keys.
    pub(super) fn jwks_uri(&self) -> Result<&str, String> {
        self.required_url("jwks_uri").map(|(text, _)| text)
    }

    /// Adds the keys.
    pub(super) fn with_keys(&self, keys: KeySet) -> Result<Metadata, String> {
        let methods = self.0.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let optional_url = |name: &str| self.0.get(name).and_then(Value::as_str);
        Ok(Metadata {
            authorization_endpoint: self.required_url("authorization_endpoint")?.1,
            token_endpoint: self.required_url("token_endpoint")?.0.to_owned(),
            userinfo_endpoint: optional_url("userinfo_endpoint").map(str::to_owned),
            end_session_endpoint: optional_url("end_session_endpoint")
                .and_then(|url| parse_endpoint_url(url).ok()),
            // The default (§3).
            accepts_basic: methods
                .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")),
            sends_iss: self.0.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            keys,
        })
    }

    fn required_url(&self, name: &str) -> Result<(&str, Url), String> {
        let text = self.0.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("`{name}` is missing"))?;
        let url = parse_endpoint_url(text).map_err(|problem| format!("`{name}`: {problem}"))?;
        Ok((text, url))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "issuer": "https://p.example", "authorization_endpoint": "https://p.example/auth",
            "token_endpoint": "https://p.example/token", "jwks_uri": "https://p.example/keys",
        })
    }

    fn read(name: &str, value: Value) -> Result<Metadata, String> {
        let mut document = document();
        document[name] = value;
        let keys = KeySet::read(&json!({ "keys": [] })).unwrap();
        let document = MetadataDocument::of_issuer(document, "https://p.example")?;
        document.jwks_uri()?;
        document.with_keys(keys)
    }

    #[test]
    fn missing_or_invalid_member_is_named() {
        for (name, value) in [
            ("issuer", json!("https://p.example/")),
            ("issuer", Value::Null),
            ("authorization_endpoint", Value::Null),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("token_endpoint", json!(7)),
            ("jwks_uri", json!("keys")),
        ] {
            let problem = read(name, value).err().unwrap();
            assert!(problem.starts_with(&format!("`{name}`")), "{problem}");
        }
    }

    #[test]
    fn odd_members_that_are_not_needed_are_ignored() {
        for (name, value) in [
            ("scopes_supported", json!("openid")),
            ("end_session_endpoint", json!(false)),
            ("claims_supported", json!({})),
            ("authorization_response_iss_parameter_supported", json!("yes")),
            ("token_endpoint_auth_methods_supported", json!("client_secret_post")),
        ] {
            let metadata = read(name, value).ok().unwrap();
            assert!(metadata.end_session_endpoint.is_none() && !metadata.sends_iss);
            assert!(metadata.accepts_basic);
        }
    }

    #[test]
    fn methods_without_basic_exclude_it() {
        let methods = json!(["client_secret_post"]);
        let metadata = read("token_endpoint_auth_methods_supported", methods).ok().unwrap();
        assert!(!metadata.accepts_basic);
    }
}
