use oauth_types::{AccessToken, Fingerprint};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The most fields of a message, with the one that counts the fields left out.
pub(crate) const MAX_FIELDS: usize = 64;
/// Marks a place where something was left out.
pub(crate) const OMITTED: &str = "…";
const MORE_FIELDS: &str = " more fields";
/// The maximum length of a value, in characters. The rest is cut off.
const MAX_CHARS: usize = 300;
/// The maximum length of a name, in bytes. Those of the registered parameters have at most 37, and
/// a token of 256 bits has at least 43.
const MAX_NAME_BYTES: usize = 40;
/// Replaces a name that may be a secret.
pub const HIDDEN_NAME: &str = "••••••";

/// A field of a message, with its value redacted as necessary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The part of the message.
    pub location: FieldLocation,
    /// The name of a header, parameter or member.
    pub name: String,
    /// The redacted value.
    pub value: FieldValue,
}

/// The part of a message that contains a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldLocation {
    /// A header.
    Header,
    /// The query of the URL; in a response, that of its `Location` header.
    Query,
    /// The body: a form parameter, or a member of a JSON object.
    #[default]
    Body,
}

/// A redacted value. Secrets are removed, tokens replaced by their fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// A public value.
    Text(String),
    /// A secret, removed.
    Secret,
    /// A token, code, state or similar value, replaced by its fingerprint.
    Fingerprint(Fingerprint),
}

impl Field {
    /// Creates a field with a public value. `ClientSecret` and `AccessToken` do not convert to
    /// `String`, so they cannot be passed here.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self::of(name, FieldValue::Text(value.into()))
    }

    /// Creates a field for a secret. There is no argument for its value.
    #[must_use]
    pub fn secret(name: &str) -> Self {
        Self::of(name, FieldValue::Secret)
    }

    /// Creates a field that says how many fields were left out.
    pub(crate) fn omitted(count: usize) -> Self {
        Self::text(OMITTED, format!("{count}{MORE_FIELDS}"))
    }

    /// Returns the number of fields that this one stands for, if it is such a field.
    pub(crate) fn omitted_count(&self) -> Option<usize> {
        match &self.value {
            FieldValue::Text(text) if self.name == OMITTED => {
                text.strip_suffix(MORE_FIELDS)?.parse().ok()
            }
            _ => None,
        }
    }

    /// Creates a field with the fingerprint of a token.
    #[must_use]
    pub fn token(name: &str, token: &AccessToken) -> Self {
        Self::of(name, FieldValue::Fingerprint(token.fingerprint()))
    }

    /// Creates the field of a protocol parameter. Values are public only under the names listed
    /// here; a value under an unknown name is treated as a secret.
    #[must_use]
    pub fn parameter(name: &str, value: &str) -> Self {
        let value = match name {
            "access_token" | "refresh_token" | "id_token" | "token" | "subject_token"
            | "actor_token" | "id_token_hint" | "logout_token" | "code" | "device_code"
            | "state" | "nonce" | "code_challenge" | "request_uri" => {
                FieldValue::Fingerprint(Fingerprint::of(value))
            }
            "redirect_uri" | "post_logout_redirect_uri" | "resource" | "iss" | "issuer" => {
                FieldValue::Text(truncate(value.split(['?', '#']).next().unwrap_or_default()))
            }
            "grant_type"
            | "client_id"
            | "appid"
            | "scope"
            | "response_type"
            | "response_mode"
            | "code_challenge_method"
            | "prompt"
            | "max_age"
            | "ui_locales"
            | "display"
            | "lang"
            | "audience"
            | "token_type"
            | "token_type_hint"
            | "subject_token_type"
            | "issued_token_type"
            | "expires_in"
            | "active"
            | "sub"
            | "aud"
            | "exp"
            | "iat"
            | "nbf"
            | "jti"
            | "error"
            | "error_description"
            | "errcode"
            | "errmsg"
            | "target"
            | "how"
            | "fresh"
            | "decision" => FieldValue::Text(truncate(value)),
            _ => FieldValue::Secret,
        };
        Self::of(name, value)
    }

    /// Returns the name if it looks like that of a parameter, and otherwise a constant. A JSON
    /// object that is sent as a form is one long name, with the secrets in it.
    #[must_use]
    pub fn public_name(name: &str) -> &str {
        let is_public = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if is_public { name } else { HIDDEN_NAME }
    }

    /// Creates the fields of a form-encoded body or query. The last one counts those beyond the
    /// limit of an event. Names that may be secrets are hidden.
    #[must_use]
    pub fn parameters(encoded: &[u8]) -> Vec<Self> {
        let mut pairs = form_urlencoded::parse(encoded);
        let mut fields: Vec<_> = pairs
            .by_ref()
            .take(MAX_FIELDS - 1)
            .map(|(name, value)| Self::parameter(Self::public_name(&name), &value))
            .collect();
        match pairs.count() {
            0 => {}
            more => fields.push(Self::omitted(more)),
        }
        fields
    }

    /// Creates the fields of a JSON response: of a token response, an introspection response or an
    /// error. Other members, such as metadata, keys and personal data, are left out. Returns
    /// nothing if the response contains any of the `hidden` values, as careless servers may echo a
    /// secret.
    #[must_use]
    pub fn json_members(json: &[u8], hidden: &[&str]) -> Vec<Self> {
        const PUBLIC: [&str; 17] = [
            "access_token",
            "token_type",
            "expires_in",
            "scope",
            "refresh_token",
            "id_token",
            "issued_token_type",
            "active",
            "client_id",
            "sub",
            "aud",
            "exp",
            "iat",
            "jti",
            "error",
            "error_description",
            "errcode",
        ];
        let Ok(Json::Object(members)) = serde_json::from_slice(json) else { return Vec::new() };
        let is_echoed = |hidden: &&str| {
            !hidden.is_empty() && json.windows(hidden.len()).any(|part| part == hidden.as_bytes())
        };
        if hidden.iter().any(is_echoed) {
            return Vec::new();
        }
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        PUBLIC
            .iter()
            .filter_map(|name| members.get(*name).map(|value| Self::parameter(name, &text(value))))
            .collect()
    }

    /// Creates the field `claims` with the names of the members of a userinfo response. The values
    /// are personal data.
    #[must_use]
    pub fn claim_names(json: &[u8]) -> Option<Self> {
        let Ok(Json::Object(members)) = serde_json::from_slice(json) else { return None };
        let names: Vec<_> = members.keys().take(MAX_FIELDS).map(String::as_str).collect();
        Some(Self::text("claims", truncate(&names.join(", "))))
    }

    /// Marks the field as a header.
    #[must_use]
    pub fn in_header(self) -> Self {
        Self { location: FieldLocation::Header, ..self }
    }

    /// Marks the field as part of the query.
    #[must_use]
    pub fn in_query(self) -> Self {
        Self { location: FieldLocation::Query, ..self }
    }

    fn of(name: &str, value: FieldValue) -> Self {
        Self { location: FieldLocation::default(), name: name.to_owned(), value }
    }
}

fn truncate(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_become_fingerprints_and_secrets_are_removed() {
        let fields = Field::parameters(
            b"client_id=a&client_secret=abc123&code=xyz&password=p&user_code=WDJB&new=1",
        );
        let json = serde_json::to_string(&fields).unwrap();
        for secret in ["abc123", "xyz", "\"p\"", "WDJB"] {
            assert!(!json.contains(secret), "{secret} in {json}");
        }
        let values: Vec<_> = fields.iter().map(|field| &field.value).collect();
        let code = FieldValue::Fingerprint(Fingerprint::of("xyz"));
        let id = FieldValue::Text("a".to_owned());
        assert_eq!(
            values,
            [
                &id,
                &FieldValue::Secret,
                &code,
                &FieldValue::Secret,
                &FieldValue::Secret,
                &FieldValue::Secret
            ]
        );
    }

    #[test]
    fn name_that_may_be_a_secret_is_hidden() {
        for encoded in [
            r#"{"client_secret":"abc123"}"#,
            "%7B%22client_secret%22%3A%22abc123%22%7D=1",
            "client_secret:abc123",
            "abc123abc123abc123abc123abc123abc123abc12=1",
        ] {
            let fields = Field::parameters(encoded.as_bytes());
            assert_eq!(fields, [Field::secret(HIDDEN_NAME)], "{encoded}");
        }
        let known = "authorization_encrypted_response_enc";
        assert_eq!(Field::public_name(known), known);
    }

    #[test]
    fn query_of_a_redirect_uri_is_removed() {
        let field = Field::parameter("redirect_uri", "https://shop.example/cb?secret=1#x");
        assert_eq!(field.value, FieldValue::Text("https://shop.example/cb".to_owned()));
    }

    #[test]
    fn only_protocol_members_of_a_response_become_fields() {
        let fields = Field::json_members(
            br#"{"access_token":"t","expires_in":60,"email":"a@b.example","keys":[1]}"#,
            &["hidden"],
        );
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["access_token", "expires_in"]);
        assert_eq!(Field::json_members(b"<html>", &[]), []);
        assert_eq!(Field::json_members(br#"{"error":"no abc123"}"#, &["abc123"]), []);
    }

    #[test]
    fn claims_of_userinfo_are_named_without_their_values() {
        let field = Field::claim_names(br#"{"sub":"1","email":"a@b.example"}"#).unwrap();
        let FieldValue::Text(names) = &field.value else { panic!("{field:?}") };
        assert!(names.contains("email") && !names.contains("a@b"), "{names}");
        assert_eq!(Field::claim_names(b"eyJ"), None);
    }

    proptest! {
        #[test]
        fn value_of_an_unknown_parameter_is_removed(name in "[a-z_]{1,12}_x", value in "[A-Z0-9]{9,40}") {
            let fields = serde_json::to_string(&Field::parameter(&name, &value)).unwrap();
            prop_assert!(!fields.contains(&value));
        }
    }
}
