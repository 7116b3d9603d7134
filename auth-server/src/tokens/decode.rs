use jsonwebtoken::{Validation, decode, decode_header};
use oauth_types::{AccessToken, AccessTokenClaims, IdTokenClaims, TYP_ACCESS_TOKEN};
use serde::de::DeserializeOwned;

use crate::keys::{KeyRing, Verifying, jws};

/// Decodes a JWT that this server signed as an access token. Returns `None` for anything else. Does
/// not check whether the token is active.
pub fn decode_signed_access_token(
    token: &AccessToken,
    ring: &KeyRing,
) -> Option<AccessTokenClaims> {
    decode_signed(token.expose(), TYP_ACCESS_TOKEN, |kid| ring.verifying.get(kid))
}

/// Decodes an ID token that this server issued, also an expired one, because a hint may have
/// expired (OpenID Connect Core §3.1.2.1).
pub fn decode_id_token_hint(token: &str, ring: &KeyRing, issuer: &str) -> Option<IdTokenClaims> {
    let key = |kid: &str| ring.verifying.get(kid).or_else(|| ring.hint_only_keys.get(kid));
    decode_signed::<IdTokenClaims>(token, "JWT", key).filter(|claims| claims.iss == issuer)
}

fn decode_signed<'a, C: DeserializeOwned + Clone>(
    token: &str,
    typ: &str,
    key: impl FnOnce(&str) -> Option<&'a Verifying>,
) -> Option<C> {
    let header = decode_header(token).ok()?;
    let (algorithm, key) = key(header.kid.as_deref()?)?;
    // The algorithm is that of the key, not the one that the header names (RFC 8725 §3.1).
    let is_expected = header.alg == jws(*algorithm) && header.typ.as_deref() == Some(typ);
    // RFC 7515 §4.1.11: no critical extension is supported.
    if !is_expected || header.crit.is_some() {
        return None;
    }
    let mut signature_only = Validation::new(jws(*algorithm));
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    Some(decode::<C>(token, key, &signature_only).ok()?.claims)
}
