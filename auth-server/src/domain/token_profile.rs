use serde::{Deserialize, Serialize};

use super::Algorithm;

/// How the access tokens for a resource differ from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenProfile {
    pub typ: JwtType,
    /// Signature algorithm; `None` for that of the settings.
    pub algorithm: Option<Algorithm>,
    /// Lifetime in seconds; `None` for that of the settings.
    pub ttl_seconds: Option<u32>,
}

/// The type (`typ`) of access tokens that are JWTs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtType {
    /// The type of RFC 9068, which no other JWT has.
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// The type of ID tokens too, for resource servers that reject `at+jwt`.
    #[serde(rename = "JWT")]
    Jwt,
}

impl JwtType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtJwt => oauth_types::TYP_ACCESS_TOKEN,
            Self::Jwt => "JWT",
        }
    }
}
