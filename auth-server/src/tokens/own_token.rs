use claims::{AccessToken, AccessTokenClaims, TYP_ACCESS_TOKEN};
use jsonwebtoken::{Validation, decode, decode_header};

use super::{KeyRing, key_pair::jws};

/// Read a JWT that this server signed as an access token. `None` for anything else; whether it is still in force is
/// the caller's to ask.
pub fn read_own(token: &AccessToken, ring: &KeyRing) -> Option<AccessTokenClaims> {
    let header = decode_header(token.expose()).ok()?;
    let (algorithm, key) = ring.verifying.get(header.kid.as_deref()?)?;
    // The key's own algorithm decides, not the token's word for it (RFC 8725 §3.1).
    if header.alg != jws(*algorithm) || header.typ.as_deref() != Some(TYP_ACCESS_TOKEN) {
        return None;
    }
    let mut signature_only = Validation::new(jws(*algorithm));
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    Some(decode::<AccessTokenClaims>(token.expose(), key, &signature_only).ok()?.claims)
}
