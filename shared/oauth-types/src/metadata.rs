use serde::{Deserialize, Serialize};

/// What an authorization server says of itself (RFC 8414 §2; the same document serves OpenID
/// Connect Discovery).
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
    /// Answers of the authorization endpoint: `code`. Always written, because RFC 8414 requires it.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// Grants that are really served. Written always: left out it would mean `authorization_code`
    /// and `implicit`.
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
    /// Where clients register themselves (RFC 7591 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Where users are sent to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where a client sends its request ahead (RFC 9126 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Where a device begins (RFC 8628 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// Where a client learns who the user is (OpenID Connect Discovery §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// Where a client sends users who sign out (OpenID Connect RP-Initiated Logout §2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// How the authorization endpoint answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// How a code verifier may be hashed (RFC 7636).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// What a client may ask to be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// Is a user called the same at every client (OpenID Connect Discovery §3)?
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// How ID tokens may be signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// How a client may sign its requests (RFC 9101 §10.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<String>,
    /// How userinfo may be signed, for a client that asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo_signing_alg_values_supported: Vec<String>,
    /// `normal` alone: claims are the server's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_types_supported: Vec<String>,
    /// What may be known of a user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_supported: Vec<String>,
    /// How strong a sign-in may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values_supported: Vec<String>,
    /// The languages of the pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// Does every answer of the authorization endpoint say who answers (RFC 9207)?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorization_response_iss_parameter_supported: bool,
    /// Can single claims be asked for? Written always: left out it would mean the same, and a
    /// reader may not know.
    #[serde(default)]
    pub claims_parameter_supported: bool,
    /// Can a request be a signed object?
    #[serde(default)]
    pub request_parameter_supported: bool,
    /// Can a request be fetched? Written always: left out it would mean yes (OpenID Connect
    /// Discovery §3).
    #[serde(default)]
    pub request_uri_parameter_supported: bool,
    /// Are clients told when a session ends (OpenID Connect Back-Channel Logout §2.1)?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_supported: bool,
    /// Does that news name the session?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_session_supported: bool,
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

/// Where the metadata of `identifier` is published: the well-known suffix stands between host and
/// path (RFC 8414 §3.1, RFC 9728 §3.1).
///
/// ```
/// assert_eq!(
///     oauth_types::well_known_url("https://c.example/tenant", "oauth-authorization-server"),
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
