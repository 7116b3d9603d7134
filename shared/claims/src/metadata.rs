use serde::{Deserialize, Serialize};

/// What an authorization server says of itself (RFC 8414 §2; the same document serves OpenID Connect Discovery).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier: the `iss` of every token, equal to the byte.
    pub issuer: String,
    /// Where tokens are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Where the keys are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where a resource server asks about a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// Where a client gives a token back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Scopes that can be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// Answers of the authorization endpoint; empty while there is none, and always written, because RFC 8414 requires it.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// Grants that are really served. Written always: left out it would mean `authorization_code` and `implicit`.
    #[serde(default)]
    pub grant_types_supported: Vec<String>,
    /// How clients prove who they are at the token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How resource servers prove who they are at the introspection endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// How clients prove who they are at the revocation endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// Where people read how to use this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
}

/// What a resource server says of itself (RFC 9728 §2).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProtectedResourceMetadata {
    /// The resource identifier: the `aud` that its tokens must carry.
    pub resource: String,
    /// The issuers whose tokens it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// Scopes that it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// How a token may be sent: `header` alone (RFC 6750 §2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
}

/// Where the metadata of `identifier` is published: the well-known suffix stands between host and path
/// (RFC 8414 §3.1, RFC 9728 §3.1).
///
/// ```
/// assert_eq!(
///     claims::well_known_url("https://c.example/tenant", "oauth-authorization-server"),
///     "https://c.example/.well-known/oauth-authorization-server/tenant",
/// );
/// ```
#[must_use]
pub fn well_known_url(identifier: &str, suffix: &str) -> String {
    let authority = identifier.find("://").map_or(0, |at| at + 3);
    let path = identifier[authority..].find('/').map_or(identifier.len(), |at| authority + at);
    let (origin, path) = identifier.split_at(path);
    format!("{origin}/.well-known/{suffix}{}", path.trim_end_matches('/'))
}
