use serde::{Deserialize, Serialize};

use crate::numeric_date::{full_second, optional_full_second};

/// The claims of an ID token (OpenID Connect Core §2). Times are in seconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer identifier, byte for byte as `issuer` in the metadata.
    pub iss: String,
    /// The subject: the user's identifier at the issuer, possibly pairwise for the client (§8).
    pub sub: String,
    /// The client id of the client that the token is for.
    pub aud: String,
    /// The expiry. The token is invalid from this second on.
    #[serde(deserialize_with = "full_second")]
    pub exp: i64,
    /// The time of issue.
    #[serde(deserialize_with = "full_second")]
    pub iat: i64,
    /// The time at which the user last authenticated.
    #[serde(
        default,
        deserialize_with = "optional_full_second",
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_time: Option<i64>,
    /// The `nonce` of the authorization request. The client compares it, to detect replayed tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The authentication context class reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The authentication methods (RFC 8176), for example `pwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The left half of the hash of the access token issued with this token, Base64url-encoded
    /// (§3.1.3.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session id at the issuer. A logout token refers to the session by this id (OpenID
    /// Connect Back-Channel Logout §2.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}
