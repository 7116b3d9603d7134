use jsonwebtoken::{Validation, decode};
use oauth_types::{AccessToken, AccessTokenClaims, IdTokenClaims, JwtHeader};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{JwtType, Registry};
use crate::keys::{KeyRing, VerificationKey, jws};

/// Decodes a JWT that this server signed as an access token. Returns `None` for anything else. Does
/// not check whether the token is active.
pub fn decode_signed_access_token(
    token: &AccessToken,
    ring: &KeyRing,
    registry: &Registry,
) -> Option<AccessTokenClaims> {
    let decode = |typ: JwtType| {
        decode_signed::<AccessTokenClaims>(token.expose(), typ.as_str(), |kid| {
            ring.verification_keys.get(kid)
        })
    };
    // ID tokens have the type `JWT` too, but neither `client_id` nor `jti`.
    let is_for_jwt_resource = |claims: &AccessTokenClaims| {
        let mut resources = registry.resources().iter();
        resources.any(|own| own.typ == JwtType::Jwt && claims.aud.contains(&own.identifier))
    };
    decode(JwtType::AtJwt).or_else(|| decode(JwtType::Jwt).filter(is_for_jwt_resource))
}

/// Decodes an ID token that this server issued, also an expired one, because a hint may have
/// expired (OpenID Connect Core §3.1.2.1).
pub fn decode_id_token_hint(token: &str, ring: &KeyRing, issuer: &str) -> Option<IdTokenClaims> {
    let key = |kid: &str| ring.verification_keys.get(kid).or_else(|| ring.hint_only_keys.get(kid));
    let claims = decode_signed::<Map<String, Value>>(token, JwtType::Jwt.as_str(), key)?;
    // An access token for a resource with `typ = "JWT"` has both, and no ID token has.
    if ["client_id", "jti"].iter().any(|name| claims.contains_key(*name)) {
        return None;
    }
    let claims: IdTokenClaims = serde_json::from_value(Value::Object(claims)).ok()?;
    Some(claims).filter(|claims| claims.iss == issuer)
}

fn decode_signed<'a, C: DeserializeOwned + Clone>(
    token: &str,
    typ: &str,
    key: impl FnOnce(&str) -> Option<&'a VerificationKey>,
) -> Option<C> {
    let header = JwtHeader::parse(token).ok()?;
    let (algorithm, key) = key(header.kid.as_deref()?)?;
    // The algorithm is that of the key, not the one that the header names (RFC 8725 §3.1).
    let is_expected =
        header.alg.parse() == Ok(jws(*algorithm)) && header.typ.as_deref() == Some(typ);
    if !is_expected {
        return None;
    }
    let mut signature_only = Validation::new(jws(*algorithm));
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    Some(decode::<C>(token, key, &signature_only).ok()?.claims)
}
