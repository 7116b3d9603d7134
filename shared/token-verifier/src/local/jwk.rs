use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde_json::Value;

use crate::algorithm::Algorithm;

/// The algorithms of an RSA key whose JWK names none (RFC 7517 §4.4: `alg` is optional).
const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

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
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") || !may_verify(jwk) {
        return None;
    }
    let possible: &[Algorithm] = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => &[Algorithm::ES256],
        ("EC", Some("P-384")) => &[Algorithm::ES384],
        ("OKP", Some("Ed25519")) => &[Algorithm::EdDSA],
        ("RSA", _) => &RSA,
        _ => return None,
    };
    let algorithms = match text("alg") {
        None => possible.to_vec(),
        Some(alg) => vec![Algorithm::parse(alg).filter(|alg| possible.contains(alg))?],
    };
    let parsed: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let decoding = DecodingKey::from_jwk(&parsed).ok()?;
    Some((text("kid").map(str::to_owned), Key { algorithms, decoding }))
}

/// RFC 7517 §4.3: `key_ops` lists every operation that the key is for.
fn may_verify(jwk: &Value) -> bool {
    match jwk.get("key_ops") {
        None => true,
        Some(operations) => {
            operations.as_array().is_some_and(|list| list.iter().any(|one| one == "verify"))
        }
    }
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

    fn rsa_with(name: &str, value: Value) -> Option<Key> {
        let mut jwk = rsa();
        jwk[name] = value;
        read(&jwk).map(|(_, key)| key)
    }

    #[test]
    fn public_key_is_read_with_its_kid() {
        assert!(
            matches!(read(&rsa()), Some((Some(kid), key)) if kid == "r" && key.algorithms == RSA)
        );
    }

    #[test]
    fn alg_limits_a_key_to_one_algorithm() {
        for (alg, algorithm) in [("RS512", Algorithm::RS512), ("PS256", Algorithm::PS256)] {
            assert_eq!(rsa_with("alg", json!(alg)).unwrap().algorithms, [algorithm]);
        }
    }

    #[test]
    fn keys_for_other_uses_are_ignored() {
        for (name, value) in [
            ("use", json!("enc")),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("ES256")),
            ("alg", json!("HS256")),
            ("kty", json!("PQC")),
            ("kty", json!("EC")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
        ] {
            assert!(rsa_with(name, value.clone()).is_none(), "{name}={value}");
        }
        assert!(read(&json!("no object")).is_none());
        assert!(rsa_with("key_ops", json!(["verify"])).is_some());
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
