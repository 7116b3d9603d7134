use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use super::{Algorithm, ClientMetadata, MetadataError, RegistrationPolicy, refused};

const MAX_KEYS: usize = 20;
/// Private members of a JWK (RFC 7518 §6).
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Returns the client's public keys.
pub(super) fn jwks(asked: &ClientMetadata) -> Result<Option<JwkSet>, MetadataError> {
    asked
        .jwks
        .as_ref()
        .map(|jwks| parse_jwks(jwks).map_err(|problem| refused(format!("jwks {problem}"))))
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
    asked: Option<&str>,
) -> Result<Option<Algorithm>, MetadataError> {
    let Some(asked) = asked else { return Ok(None) };
    match Algorithm::parse(asked).filter(|algorithm| *algorithm != Algorithm::HS256) {
        Some(algorithm) => Ok(Some(algorithm)),
        None => Err(refused(format!("{name} is not one of: RS256 ES256 EdDSA"))),
    }
}

/// Returns whether the client signs all its requests (RFC 9101 §10.5).
pub(super) fn requires_signed_requests(asked: &ClientMetadata) -> Result<bool, MetadataError> {
    let required = asked.require_signed_request_object.unwrap_or_default();
    if required && asked.jwks.is_none() && asked.jwks_uri.is_none() {
        return Err(refused("require_signed_request_object needs jwks or jwks_uri"));
    }
    Ok(required)
}

/// Returns the signature algorithm of request objects (RFC 9101 §10.5).
pub(super) fn request_object_algorithm(
    asked: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<Option<String>, MetadataError> {
    let Some(asked) = &asked.request_object_signing_alg else { return Ok(None) };
    if !policy.request_object_algorithms.contains(&asked.as_str()) {
        let all = policy.request_object_algorithms.join(" ");
        return Err(refused(format!("request_object_signing_alg is not one of: {all}")));
    }
    Ok(Some(asked.clone()))
}
