use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde_json::Value;

/// A signature algorithm for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA PKCS #1 v1.5 with SHA-256.
    RS256,
    /// HMAC with SHA-256 and a shared secret. For learning only.
    HS256,
}

/// A key and its only algorithm.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

impl Algorithm {
    /// Returns the algorithm with this name (RFC 7518 §3.1, RFC 8037 §3.1), if it is supported.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::ES256),
            "EdDSA" => Some(Self::EdDSA),
            "RS256" => Some(Self::RS256),
            "HS256" => Some(Self::HS256),
            _ => None,
        }
    }

    pub(crate) fn jws(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
        }
    }
}

/// Returns whether a JWK contains a private or symmetric key, published by mistake.
pub(super) fn is_secret(jwk: &Value) -> bool {
    ["d", "k"].iter().any(|member| jwk.get(member).is_some())
        || jwk.get("kty").is_some_and(|kty| kty == "oct")
}

/// Reads a published JWK, with its key id. Returns `None` for keys of other uses and types.
pub(super) fn read(jwk: &Value) -> Option<(Option<String>, Key)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let algorithm = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => Algorithm::ES256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDSA,
        ("RSA", _) => Algorithm::RS256,
        _ => return None,
    };
    if text("alg").is_some_and(|alg| Algorithm::parse(alg) != Some(algorithm)) {
        return None;
    }
    let parsed: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let decoding = DecodingKey::from_jwk(&parsed).ok()?;
    Some((text("kid").map(str::to_owned), Key { algorithm, decoding }))
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{:?} key]", self.algorithm)
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
            matches!(read(&rsa()), Some((Some(kid), key)) if kid == "r" && key.algorithm == Algorithm::RS256)
        );
    }

    #[test]
    fn keys_for_other_uses_are_ignored() {
        for (name, value) in [("use", "enc"), ("alg", "RS512"), ("kty", "PQC"), ("kty", "EC")] {
            let mut jwk = rsa();
            jwk[name] = json!(value);
            assert!(read(&jwk).is_none(), "{name}={value}");
        }
        assert!(read(&json!("no object")).is_none());
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
