use serde::{Deserialize, Serialize};

/// What an ID token says (OpenID Connect Core §2): who signed in, where, when and how, to one
/// client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// Who says so: the issuer identifier, equal to the metadata's `issuer` to the byte.
    pub iss: String,
    /// Who signed in: the user, by the issuer's own name for them.
    pub sub: String,
    /// The client that is told.
    pub aud: String,
    /// From this second on it is not to be believed.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// When the user last showed their password.
    pub auth_time: i64,
    /// The client's own word from its request, so that it knows the answer for one to that request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How strong the sign-in was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what means the user signed in (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Half of the hash of the access token that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session at the issuer, by the name that a logout will call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}
