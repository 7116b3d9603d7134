use jsonwebtoken::{Validation, decode, decode_header};

use super::{Claims, Expected, Key, Rejection};

pub fn verify(token: &str, keys: &[Key], expected: &Expected) -> Result<Claims, Rejection> {
    let header = decode_header(token)?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err(Rejection::invalid_token("not an access token"));
    }
    let algorithm = header.alg;
    let key = Key::find(keys, header.kid.as_deref(), algorithm)?;
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.set_issuer(&[&expected.issuer]);
    validation.set_audience(&[&expected.resource]);
    validation.validate_nbf = true;
    validation.leeway = 5;
    let claims: Claims = decode(token, &key, &validation)?.claims;
    if !claims.has_scope("resource:read") {
        return Err(Rejection::InsufficientScope);
    }
    Ok(claims)
}
