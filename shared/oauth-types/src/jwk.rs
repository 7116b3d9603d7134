use serde_json::Value;

const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// Returns the signature algorithms that a published JWK may verify (RFC 7517 §4), by the names of
/// RFC 7518 §3.1 and RFC 8037 §3.1. Empty for keys of other uses and types, and for secret types.
///
/// The key determines them. If the header of a token did, an attacker could use a public RSA or EC
/// key as an HMAC secret (RFC 8725 §2.1). `alg` is optional (RFC 7517 §4.4); an RSA key without it
/// fits every RSA algorithm. `Ed25519` is another name of `EdDSA` with this curve (RFC 9864 §2.2).
///
/// ```
/// use serde_json::json;
/// let key = json!({ "kty": "EC", "crv": "P-256", "x": "…", "y": "…" });
/// assert_eq!(oauth_types::signature_algorithms(&key), ["ES256"]);
/// ```
#[must_use]
pub fn signature_algorithms(jwk: &Value) -> Vec<&'static str> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") || !may_verify(jwk) {
        return Vec::new();
    }
    let possible: &[&str] = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => &["ES256"],
        (Some("EC"), Some("P-384")) => &["ES384"],
        (Some("OKP"), Some("Ed25519")) => &["EdDSA"],
        (Some("RSA"), _) => &RSA,
        _ => &[],
    };
    let named = match text("alg") {
        Some("Ed25519") => Some("EdDSA"),
        other => other,
    };
    possible.iter().copied().filter(|one| named.is_none_or(|named| named == *one)).collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa_with(name: &str, value: Value) -> Vec<&'static str> {
        let mut jwk = json!({ "kty": "RSA", "kid": "r", "n": "sXch", "e": "AQAB" });
        jwk[name] = value;
        signature_algorithms(&jwk)
    }

    #[test]
    fn alg_limits_a_key_to_one_algorithm() {
        assert_eq!(rsa_with("use", json!("sig")), RSA);
        assert_eq!(rsa_with("alg", json!("RS512")), ["RS512"]);
        let okp = |alg| json!({ "kty": "OKP", "crv": "Ed25519", "x": "eA", "alg": alg });
        assert_eq!(signature_algorithms(&okp("EdDSA")), ["EdDSA"]);
        assert_eq!(signature_algorithms(&okp("Ed25519")), ["EdDSA"]);
    }

    #[test]
    fn keys_for_other_uses_have_no_algorithm() {
        for (name, value) in [
            ("use", json!("enc")),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("ES256")),
            ("alg", json!("HS256")),
            ("kty", json!("PQC")),
            ("kty", json!("EC")),
            ("kty", json!("oct")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
        ] {
            assert!(rsa_with(name, value.clone()).is_empty(), "{name}={value}");
        }
        assert!(signature_algorithms(&json!("no object")).is_empty());
        assert!(!rsa_with("key_ops", json!(["verify"])).is_empty());
    }
}
