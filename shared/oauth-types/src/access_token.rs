use serde::{Deserialize, Serialize};

use crate::{
    Audience, Claims, Scope,
    numeric_date::{full_second, optional_full_second},
};

/// The `typ` header of a JWT access token (RFC 9068 §2.1). ID tokens do not have it, so one cannot
/// be used as the other.
pub const TYP_ACCESS_TOKEN: &str = "at+jwt";

/// The claims of an access token (RFC 9068 §2.2). Times are in seconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer identifier, byte for byte as `issuer` in the metadata.
    pub iss: String,
    /// The subject: the user, or the client itself if no user is involved.
    pub sub: String,
    /// The resource servers that may accept the token.
    pub aud: Audience,
    /// The expiry. The token is invalid from this second on.
    #[serde(deserialize_with = "full_second")]
    pub exp: i64,
    /// The time of issue.
    #[serde(deserialize_with = "full_second")]
    pub iat: i64,
    /// The start of validity. Only other issuers set it.
    #[serde(
        default,
        deserialize_with = "optional_full_second",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<i64>,
    /// The token id, unique for the issuer. Logs and audit records contain it instead of the token.
    pub jti: String,
    /// The client that requested the token.
    pub client_id: String,
    /// The granted scope; may be empty.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// The service that acts for the user after a token exchange (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorClaim>,
    /// The claims that this type has no field for, for example `roles` (RFC 9068 §2.2.3.1).
    #[serde(flatten)]
    pub extra: Claims,
}

/// The current actor, and the chain of previous ones (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorClaim {
    /// The client id.
    pub sub: String,
    /// The previous actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<ActorClaim>>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    fn claims() -> Value {
        json!({
            "iss": "https://c.example", "sub": "alice", "aud": "https://b.example", "exp": 100,
            "iat": 50, "jti": "t", "client_id": "a", "scope": "read",
            "roles": ["auditor"], "tenant": { "id": 7 },
        })
    }

    #[test]
    fn unknown_claims_are_kept() {
        let parsed: AccessTokenClaims = from_value(claims()).unwrap();
        assert!(parsed.extra.has_value("roles", "auditor"));
        assert_eq!(parsed.extra.iter().count(), 2, "claims with a field are not repeated");
        assert_eq!(to_value(&parsed).unwrap(), claims());
    }

    #[test]
    fn known_and_unknown_claims_occur_once() {
        for member in [r#""sub":"mallory","#, r#""tenant":1,"#] {
            let text = claims().to_string().replacen('{', &format!("{{{member}"), 1);
            assert!(serde_json::from_str::<AccessTokenClaims>(&text).is_err(), "{member}");
        }
    }
}
