use oauth_types::{AccessToken, Fingerprint};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Longer texts are cut off.
const SHOWN_CHARS: usize = 300;

/// A name and what may be shown of its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Where in the message it stands.
    pub location: FieldLocation,
    /// The name of a header, parameter or member.
    pub name: String,
    /// What may be shown of it.
    pub value: FieldValue,
}

/// Where in a message a field stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldLocation {
    /// In a header.
    Header,
    /// In the query of the URL; of an answer, in that of its `Location`.
    Query,
    /// In the body: a form's parameter, or a member of a JSON object.
    #[default]
    Body,
}

/// What may be shown of a value. A secret leaves nothing behind, a token its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// Public.
    Text(String),
    /// A secret was here.
    Secret,
    /// A token was here, or another value that names something and means nothing by itself.
    Fingerprint(Fingerprint),
}

impl Field {
    /// A public value. Neither `ClientSecret` nor `AccessToken` turns into text by itself, so
    /// neither fits.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self::of(name, FieldValue::Text(value.into()))
    }

    /// A secret was sent under this name. There is no argument to put it in.
    #[must_use]
    pub fn secret(name: &str) -> Self {
        Self::of(name, FieldValue::Secret)
    }

    /// A token was sent under this name.
    #[must_use]
    pub fn token(name: &str, token: &AccessToken) -> Self {
        Self::of(name, FieldValue::Fingerprint(token.fingerprint()))
    }

    /// A parameter of a protocol, by its name: the few that are public are named here, and whatever
    /// else comes is taken for a secret.
    #[must_use]
    pub fn parameter(name: &str, value: &str) -> Self {
        let value = match name {
            "access_token" | "refresh_token" | "id_token" | "token" | "subject_token"
            | "actor_token" | "id_token_hint" | "logout_token" | "code" | "device_code"
            | "state" | "nonce" | "code_challenge" | "request_uri" => {
                FieldValue::Fingerprint(Fingerprint::of(value))
            }
            "redirect_uri" | "post_logout_redirect_uri" | "resource" | "iss" | "issuer" => {
                FieldValue::Text(shown(value.split(['?', '#']).next().unwrap_or_default()))
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
            | "decision" => FieldValue::Text(shown(value)),
            _ => FieldValue::Secret,
        };
        Self::of(name, value)
    }

    /// The parameters of a form or of a query, as it was encoded.
    #[must_use]
    pub fn parameters(encoded: &[u8]) -> Vec<Self> {
        form_urlencoded::parse(encoded)
            .map(|(name, value)| Self::parameter(&shown(&name), &value))
            .collect()
    }

    /// The members of an answer in JSON that say what a token answer, an introspection or a refusal
    /// says. Metadata and keys would fill the page, and a person's own data is nobody else's
    /// business. Nothing is told of an answer that repeats what is `hidden`, as careless servers
    /// do.
    #[must_use]
    pub fn json_members(json: &[u8], hidden: &[&str]) -> Vec<Self> {
        const TOLD: [&str; 17] = [
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
        let echoes = |hidden: &&str| {
            !hidden.is_empty() && json.windows(hidden.len()).any(|part| part == hidden.as_bytes())
        };
        if hidden.iter().any(echoes) {
            return Vec::new();
        }
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        TOLD.iter()
            .filter_map(|name| members.get(*name).map(|value| Self::parameter(name, &text(value))))
            .collect()
    }

    /// It stands in a header.
    #[must_use]
    pub fn in_header(self) -> Self {
        Self { location: FieldLocation::Header, ..self }
    }

    /// It stands in the query.
    #[must_use]
    pub fn in_query(self) -> Self {
        Self { location: FieldLocation::Query, ..self }
    }

    fn of(name: &str, value: FieldValue) -> Self {
        Self { location: FieldLocation::default(), name: name.to_owned(), value }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_leaves_its_fingerprint_and_a_secret_nothing() {
        let fields = Field::parameters(
            b"client_id=a&client_secret=abc123&code=xyz&password=p&user_code=WDJB&new=1",
        );
        let shown = serde_json::to_string(&fields).unwrap();
        for secret in ["abc123", "xyz", "\"p\"", "WDJB"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
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
    fn an_address_is_shown_without_its_query() {
        let field = Field::parameter("redirect_uri", "https://shop.example/cb?secret=1#x");
        assert_eq!(field.value, FieldValue::Text("https://shop.example/cb".to_owned()));
    }

    #[test]
    fn of_an_answer_the_words_of_the_protocol_are_told_and_nothing_else() {
        let told = Field::json_members(
            br#"{"access_token":"t","expires_in":60,"email":"a@b.example","keys":[1]}"#,
            &["hidden"],
        );
        let names: Vec<_> = told.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["access_token", "expires_in"]);
        assert_eq!(Field::json_members(b"<html>", &[]), []);
        assert_eq!(Field::json_members(br#"{"error":"no abc123"}"#, &["abc123"]), []);
    }

    proptest! {
        #[test]
        fn a_value_under_a_name_that_nobody_knows_leaves_nothing_behind(name in "[a-z_]{1,12}_x", value in "[A-Z0-9]{9,40}") {
            let told = serde_json::to_string(&Field::parameter(&name, &value)).unwrap();
            prop_assert!(!told.contains(&value));
        }
    }
}
