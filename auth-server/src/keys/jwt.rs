use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{ActiveSigningKey, KeyError};

/// Signs a JWT in compact serialization (RFC 7515 §3.1).
///
/// # Errors
/// Returns an error if the cryptography library fails.
pub fn sign_jwt(
    typ: &str,
    claims: &impl Serialize,
    signing: &ActiveSigningKey,
) -> Result<String, KeyError> {
    let claims = serde_json::to_vec(claims).map_err(|_| KeyError)?;
    let mut token = format!("{}.", signing.header(typ)?);
    BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = signing.signer.sign(token.as_bytes())?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
