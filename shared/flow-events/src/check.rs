use serde::{Deserialize, Serialize};

/// The result of one rule for one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The rule.
    pub rule: Rule,
    /// Whether the token satisfies it.
    pub passed: bool,
    /// What the rule requires.
    pub expected: String,
    /// What the token contains.
    pub found: String,
}

/// The rules that a resource server applies to an access token, then those that a client applies to
/// the response of a login, each in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// `alg` is allowed and matches the key.
    Algorithm,
    /// `typ` is `at+jwt`, or another type that the resource server is configured to accept.
    Type,
    /// The claims are those of an access token, not of an ID token or a logout token.
    Kind,
    /// The token has the claim that the request requires.
    Claim,
    /// The issuer publishes the key.
    Key,
    /// The signature is valid.
    Signature,
    /// `iss` is the trusted issuer.
    Issuer,
    /// `aud` contains this resource.
    Audience,
    /// `exp` is in the future.
    Expiry,
    /// `nbf` is in the past, if present.
    NotBefore,
    /// `iat` is not in the future.
    IssuedAt,
    /// The issuer reports the token as active.
    Active,
    /// The scope allows the request.
    Scope,
    /// The same token passed all checks a moment ago.
    Cached,
    /// `state` belongs to a login that this browser has started.
    State,
    /// `iss` of the authorization response is the provider that the client asked.
    ResponseIssuer,
    /// The provider has signed the ID token.
    IdTokenSignature,
    /// `iss` of the ID token is the provider.
    IdTokenIssuer,
    /// `aud` of the ID token is this client.
    IdTokenAudience,
    /// `exp` of the ID token is in the future.
    IdTokenExpiry,
    /// `at_hash` of the ID token is the hash of the access token.
    AccessTokenHash,
    /// `nonce` of the ID token is that of this login.
    Nonce,
    /// The client finds the account of `iss` and `sub`, or creates it.
    Account,
}

impl Rule {
    /// Returns the specification and section, as `RFC 8725 3.1`.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Algorithm => "RFC 8725 3.1",
            Self::Type => "RFC 9068 4",
            Self::Kind => "RFC 8725 3.12",
            Self::Claim => "RFC 6750 3.1",
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
            Self::State => "RFC 6749 10.12",
            Self::ResponseIssuer => "RFC 9207 2.4",
            Self::IdTokenSignature
            | Self::IdTokenIssuer
            | Self::IdTokenAudience
            | Self::IdTokenExpiry
            | Self::Nonce => "OpenID Connect Core 3.1.3.7",
            Self::AccessTokenHash => "OpenID Connect Core 3.1.3.8",
            Self::Account => "OpenID Connect Core 5.7",
        }
    }
}
