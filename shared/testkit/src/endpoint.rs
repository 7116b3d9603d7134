use serde::{Deserialize, Serialize};

/// An endpoint of the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Endpoint {
    /// The metadata (RFC 8414, OpenID Connect Discovery).
    Discovery,
    /// The key set.
    Jwks,
    /// The authorization endpoint.
    Authorize,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint.
    Userinfo,
    /// Introspection (RFC 7662).
    Introspection,
    /// Revocation (RFC 7009).
    Revocation,
    /// Device authorization (RFC 8628).
    DeviceAuthorization,
    /// Pushed authorization requests (RFC 9126).
    Par,
    /// Dynamic registration (RFC 7591).
    Registration,
    /// Logout.
    Logout,
    /// A page for users, or any other path.
    #[serde(other)]
    Page,
}
