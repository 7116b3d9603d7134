use serde::{Deserialize, Serialize};

/// One rule applied to one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which rule.
    pub rule: Rule,
    /// Did the token satisfy it?
    pub passed: bool,
    /// What the rule wants.
    pub expected: String,
    /// What the token has.
    pub found: String,
}

/// The rules that a resource server applies, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The algorithm is on the allow list and is the key's own.
    Algorithm,
    /// `typ` says access token.
    Type,
    /// The key is one that the issuer publishes.
    Key,
    /// The signature is right.
    Signature,
    /// The issuer is the trusted one.
    Issuer,
    /// The token is meant for this resource.
    Audience,
    /// It has not expired.
    Expiry,
    /// It is already in force.
    NotBefore,
    /// It was not made in the future.
    IssuedAt,
    /// The issuer says that it is in force.
    Active,
    /// It allows what is asked for.
    Scope,
    /// The very same token passed all checks a moment ago.
    Cached,
}

impl Rule {
    /// Where the rule stands.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Algorithm => "RFC 8725 3.1",
            Self::Type => "RFC 9068 4",
            Self::Key => "RFC 7517 4.5",
            Self::Signature => "RFC 7515 5.2",
            Self::Issuer => "RFC 9068 4",
            Self::Audience => "RFC 7519 4.1.3",
            Self::Expiry => "RFC 7519 4.1.4",
            Self::NotBefore => "RFC 7519 4.1.5",
            Self::IssuedAt => "RFC 7519 4.1.6",
            Self::Active => "RFC 7662 2.2",
            Self::Scope => "RFC 6750 3.1",
            Self::Cached => "RFC 9068 4",
        }
    }
}
