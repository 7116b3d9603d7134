use jsonwebtoken::{DecodingKey, jwk::Jwk};
use oauth_types::signature_algorithms;
use serde_json::Value;

use crate::algorithm::Algorithm;

/// A key, and the algorithms that it may be used with. The key determines them. If the header of a
/// token did, an attacker could use a public RSA or EC key as an HMAC secret (RFC 8725 §2.1).
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) decoding: DecodingKey,
}

/// Returns whether a JWK contains a private or symmetric key, published by mistake.
pub(super) fn is_secret(jwk: &Value) -> bool {
    ["d", "k"].iter().any(|member| jwk.get(member).is_some())
        || jwk.get("kty").is_some_and(|kty| kty == "oct")
}

/// Reads a published JWK, with its key id. Returns `None` for keys of other uses and types.
pub(super) fn read(jwk: &Value) -> Option<(Option<String>, Key)> {
    let algorithms: Vec<_> =
        signature_algorithms(jwk).into_iter().filter_map(Algorithm::parse).collect();
    if algorithms.is_empty() {
        return None;
    }
    let parsed: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let decoding = DecodingKey::from_jwk(&parsed).ok()?;
    let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
    Some((kid, Key { algorithms, decoding }))
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{:?} key]", self.algorithms)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa() -> Value {
        json!({ "kty": "RSA", "kid": "r", "n": "sXch", "e": "AQAB" })
    }

    #[test]
    fn public_key_is_read_with_its_kid() {
        assert!(
            matches!(read(&rsa()), Some((Some(kid), key)) if kid == "r" && key.algorithms.len() == 6)
        );
    }

    #[test]
    fn key_of_another_use_is_ignored() {
        let mut jwk = rsa();
        jwk["use"] = json!("enc");
        assert!(read(&jwk).is_none());
    }

    #[test]
    fn secret_keys_are_detected() {
        assert!(!is_secret(&rsa()));
        for (name, value) in [("d", "private"), ("k", "symmetric"), ("kty", "oct")] {
            let mut jwk = rsa();
            jwk[name] = json!(value);
            assert!(is_secret(&jwk), "{name}={value}");
        }
    }
}
