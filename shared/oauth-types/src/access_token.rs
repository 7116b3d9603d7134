use serde::{Deserialize, Serialize};

use crate::{Audience, Scope};

/// The `typ` header of a JWT access token (RFC 9068 §2.1). An ID token never carries it, so neither
/// passes for the other.
pub const TYP_ACCESS_TOKEN: &str = "at+jwt";

/// What an access token says (RFC 9068 §2.2). Times are seconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Who made the token: the issuer identifier, equal to the metadata's `issuer` to the byte.
    pub iss: String,
    /// Whom it speaks for: the user, or the client itself where no user took part.
    pub sub: String,
    /// The resource servers it is meant for.
    pub aud: Audience,
    /// From this second on it is void.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// Before this second it is void. Written by other issuers; ours begin at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own name, unique for the issuer; what logs and audit records show instead of the token.
    pub jti: String,
    /// The client that asked for it.
    pub client_id: String,
    /// What it allows; empty when the request asked for nothing that could be granted.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// Who acts for the user, where it is not the client that the user has allowed (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// A service that acts for the user, and the one that acted before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The client.
    pub sub: String,
    /// For whom it acts in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}
