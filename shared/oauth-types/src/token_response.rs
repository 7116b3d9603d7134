use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected},
};
use serde_json::Value;

use crate::{AccessToken, IdToken, RefreshToken, Scope, lifetime_seconds};

/// A successful response of the token endpoint (RFC 6749 §5.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The access token.
    #[serde(serialize_with = "write_out")]
    pub access_token: AccessToken,
    /// The token type: `Bearer`. Clients compare it case-insensitively (RFC 6749 §5.1).
    pub token_type: String,
    /// The lifetime of the access token in seconds from the response on. Only recommended, so other
    /// issuers may omit it. Text and fractions are read too ([`lifetime_seconds`]).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read_lifetime")]
    pub expires_in: Option<u64>,
    /// The granted scope. Issuers may omit it if it equals the requested one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The type of the issued token, in the response to a token exchange (RFC 8693 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
    /// The refresh token, which obtains new access tokens without the user (RFC 6749 §6).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_out_refresh_token"
    )]
    pub refresh_token: Option<RefreshToken>,
    /// The ID token (OpenID Connect Core §3.1.3.3).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_out_id_token"
    )]
    pub id_token: Option<IdToken>,
}

impl TokenResponse {
    /// Creates a response with a bearer token and no optional tokens.
    #[must_use]
    pub fn bearer(
        access_token: AccessToken,
        expires_in: Option<u64>,
        scope: Option<Scope>,
    ) -> Self {
        Self {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in,
            scope,
            issued_token_type: None,
            refresh_token: None,
            id_token: None,
        }
    }
}

/// Rejects what is not a lifetime: a token that is taken for valid too long fails at its resource.
fn read_lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => lifetime_seconds(&value).map(Some).ok_or_else(|| {
            D::Error::invalid_value(Unexpected::Other("another value"), &"a number of seconds")
        }),
    }
}

fn write_out<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

fn write_out_refresh_token<S: Serializer>(
    token: &Option<RefreshToken>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    token.as_ref().map(RefreshToken::expose).serialize(serializer)
}

fn write_out_id_token<S: Serializer>(
    token: &Option<IdToken>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    token.as_ref().map(IdToken::expose).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_response_of_the_document_is_parsed_and_not_printed() {
        let answer: TokenResponse = serde_json::from_str(
            r#"{"access_token":"eyJhbGciOiJIUzI1NiI","token_type":"Bearer","expires_in":3600}"#,
        )
        .unwrap();
        assert_eq!(answer.expires_in, Some(3600));
        assert!(!format!("{answer:?}").contains("eyJ"));
        assert!(serde_json::to_string(&answer).unwrap().contains("eyJhbGciOiJIUzI1NiI"));
    }
}
