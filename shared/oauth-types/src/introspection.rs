use serde::{Deserialize, Serialize};

use crate::{AccessTokenClaims, ActorClaim, Audience, Claims, Scope};

/// A response of the introspection endpoint (RFC 7662 §2.2). Times are in seconds since 1970-01-01
/// UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntrospectionResponse {
    /// Whether the token is currently valid for the requesting resource server. If not, all other
    /// members are absent.
    pub active: bool,
    /// The granted scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The client that requested the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The token type: `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The expiry. The token is invalid from this second on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The time of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The start of validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The subject: the user, or the client itself if no user is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The resource servers that may accept the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// The issuer identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The token id, unique for the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The service that acts for the user after a token exchange (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorClaim>,
    /// The members that this type has no field for, for example `username` and `roles`.
    #[serde(flatten)]
    pub extra: Claims,
}

impl IntrospectionResponse {
    /// Returns `{"active":false}`, whatever the reason, so that a resource server learns nothing
    /// about tokens for others (RFC 7662 §2.2 and §4).
    #[must_use]
    pub fn inactive() -> Self {
        Self::default()
    }

    /// Returns the response for a valid token with these claims.
    #[must_use]
    pub fn active(claims: AccessTokenClaims) -> Self {
        Self {
            active: true,
            scope: Some(claims.scope).filter(|scope| !scope.is_empty()),
            client_id: Some(claims.client_id),
            token_type: Some("Bearer".to_owned()),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            nbf: claims.nbf,
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti),
            act: claims.act,
            extra: claims.extra,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inactive_response_has_no_other_members() {
        assert_eq!(
            serde_json::to_string(&IntrospectionResponse::inactive()).unwrap(),
            r#"{"active":false}"#
        );
    }

    #[test]
    fn unknown_members_are_kept() {
        let text = r#"{"active":true,"sub":"alice","username":"alice","roles":["auditor"]}"#;
        let parsed: IntrospectionResponse = serde_json::from_str(text).unwrap();
        assert!(parsed.extra.has_value("roles", "auditor") && !parsed.extra.contains("sub"));
        assert_eq!(serde_json::to_value(&parsed).unwrap()["username"], "alice");
    }
}
