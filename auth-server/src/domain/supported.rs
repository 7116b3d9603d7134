//! What clients can use, as the metadata publish it.

/// Grant types.
pub const GRANT_TYPES: [&str; 5] =
    ["authorization_code", "client_credentials", "refresh_token", DEVICE_CODE, TOKEN_EXCHANGE];
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Signature algorithms of request objects. Unsigned requests and shared secrets are excluded,
/// because they do not prove that the client wrote the request. `Ed25519` is `EdDSA` with that
/// curve (RFC 9864 §2.2).
pub const REQUEST_OBJECT_ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];
