use serde::{Deserialize, Serialize};

/// Authorization server metadata (RFC 8414 §2), which is also the provider metadata of OpenID
/// Connect Discovery §3. Endpoints are absolute URLs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier, byte for byte the `iss` of every token.
    pub issuer: String,
    /// The token endpoint (RFC 6749 §3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// The URL of the JWK Set with the public signing keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The introspection endpoint (RFC 7662 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// The revocation endpoint (RFC 7009 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The scopes that clients can request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// The supported `response_type` values. Always serialized, because RFC 8414 requires it.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// The supported grant types. Always serialized, because the default is `authorization_code`
    /// and `implicit`.
    #[serde(default)]
    pub grant_types_supported: Vec<String>,
    /// The client authentication methods of the token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The client authentication methods of the introspection endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// The client authentication methods of the revocation endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The dynamic client registration endpoint (RFC 7591 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// The authorization endpoint (RFC 6749 §3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// The pushed authorization request endpoint (RFC 9126 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// The device authorization endpoint (RFC 8628 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// The userinfo endpoint (OpenID Connect Discovery §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// The logout endpoint for browsers (OpenID Connect RP-Initiated Logout §2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// The supported `response_mode` values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// The supported PKCE methods (RFC 7636 §4.3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// The supported `prompt` values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// The supported subject types, `public` or `pairwise` (OpenID Connect Core §8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// The signature algorithms for ID tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// The accepted signature algorithms of request objects (RFC 9101 §10.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<String>,
    /// The signature algorithms for userinfo responses, for clients that request signed ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo_signing_alg_values_supported: Vec<String>,
    /// The claim types: `normal`, which excludes aggregated and distributed claims (OpenID Connect
    /// Core §5.6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_types_supported: Vec<String>,
    /// The names of the claims that the server may return.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_supported: Vec<String>,
    /// The supported authentication context class references.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values_supported: Vec<String>,
    /// The languages of the user interface (BCP 47).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// Whether authorization responses contain `iss` (RFC 9207 §3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether the parameter `claims` is supported (OpenID Connect Core §5.5). Always serialized,
    /// although the default is `false`, for readers that do not know the default.
    #[serde(default)]
    pub claims_parameter_supported: bool,
    /// Whether the parameter `request` is supported (RFC 9101 §5.1).
    #[serde(default)]
    pub request_parameter_supported: bool,
    /// Whether the server fetches request objects from a client's `request_uri`. Always serialized,
    /// because the default is `true` (OpenID Connect Discovery §3).
    #[serde(default)]
    pub request_uri_parameter_supported: bool,
    /// Whether the server notifies clients when a session ends (OpenID Connect Back-Channel Logout
    /// §2.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_supported: bool,
    /// Whether logout tokens contain `sid`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_session_supported: bool,
    /// Whether a client can identify itself by the URL of its metadata
    /// (draft-ietf-oauth-client-id-metadata-document §5).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_document_supported: bool,
    /// The URL of the documentation for developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
}

/// Protected resource metadata (RFC 9728 §2).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProtectedResourceMetadata {
    /// The resource identifier, which access tokens must contain in `aud`.
    pub resource: String,
    /// The issuers whose access tokens the resource server accepts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// The scopes that the resource server uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// The methods to send an access token (RFC 6750 §2), for example `header`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
}

/// Returns the URL of the metadata of `identifier`: the well-known suffix is inserted between host
/// and path (RFC 8414 §3.1, RFC 9728 §3.1).
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
