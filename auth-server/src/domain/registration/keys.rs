use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use super::{Algorithm, ClientMetadata, MetadataError, RegistrationPolicy, invalid_metadata};

const MAX_KEYS: usize = 20;
/// Private members of a JWK (RFC 7518 §6).
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Returns the client's public keys.
pub(super) fn jwks(metadata: &ClientMetadata) -> Result<Option<JwkSet>, MetadataError> {
    metadata
        .jwks
        .as_ref()
        .map(|jwks| parse_jwks(jwks).map_err(|problem| invalid_metadata(format!("jwks {problem}"))))
        .transpose()
}

/// Parses a JWK Set of public keys.
///
/// # Errors
/// Returns the problem as text.
pub fn parse_jwks(jwks: &Value) -> Result<JwkSet, &'static str> {
    let keys = jwks["keys"].as_array().ok_or("is not a JWK Set")?;
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return Err("has no keys, or more than 20");
    }
    if keys.iter().any(|key| SECRET_MEMBERS.iter().any(|secret| key.get(secret).is_some())) {
        return Err(
            "contains a private or symmetric key, which is now compromised: generate a new key and send only public keys",
        );
    }
    serde_json::from_value(jwks.clone()).map_err(|_| "contains a key that cannot be parsed")
}

/// Returns the signature algorithm of a response. HS256 is not possible, because only a hash of the
/// client secret is stored.
pub(super) fn algorithm(
    name: &str,
    requested: Option<&str>,
) -> Result<Option<Algorithm>, MetadataError> {
    let Some(requested) = requested else { return Ok(None) };
    match Algorithm::parse(requested).filter(|algorithm| *algorithm != Algorithm::HS256) {
        Some(algorithm) => Ok(Some(algorithm)),
        None => Err(invalid_metadata(format!("{name} is not one of: RS256 ES256 EdDSA"))),
    }
}

/// Returns whether the client signs all its requests (RFC 9101 §10.5).
pub(super) fn requires_signed_requests(metadata: &ClientMetadata) -> Result<bool, MetadataError> {
    let required = metadata.require_signed_request_object.unwrap_or_default();
    if required && metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
        return Err(invalid_metadata("require_signed_request_object needs jwks or jwks_uri"));
    }
    Ok(required)
}

/// Returns the signature algorithm of request objects (RFC 9101 §10.5).
pub(super) fn request_object_algorithm(
    metadata: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<Option<String>, MetadataError> {
    let Some(requested) = &metadata.request_object_signing_alg else { return Ok(None) };
    if !policy.request_object_algorithms.contains(&requested.as_str()) {
        let all = policy.request_object_algorithms.join(" ");
        return Err(invalid_metadata(format!("request_object_signing_alg is not one of: {all}")));
    }
    Ok(Some(requested.clone()))
}
