//! The signature of a request object (RFC 9101 §6.2).

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, crypto,
    jwk::{Jwk, JwkSet},
};
use oauth_types::{JwtHeader, JwtHeaderError, printable, signature_algorithms};
use serde_json::{Map, Value};

use crate::domain::REQUEST_OBJECT_ALGORITHMS;

/// A request object before its signature is verified.
pub struct SignedObject<'a> {
    object: &'a str,
    header: JwtHeader,
}

impl<'a> SignedObject<'a> {
    /// Parses the header.
    ///
    /// # Errors
    /// Returns the reason why the header is invalid.
    pub fn parse(object: &'a str) -> Result<Self, &'static str> {
        let header = JwtHeader::parse(object).map_err(problem)?;
        if header.typ.as_deref().is_some_and(is_of_other_jwts) {
            return Err("its typ is that of another kind of JWT");
        }
        Ok(Self { object, header })
    }

    /// Returns whether it names this algorithm, or another name of it.
    pub fn is_signed_with(&self, algorithm: &str) -> bool {
        let named = jws_algorithm(&self.header.alg);
        named.is_some() && named == jws_algorithm(algorithm)
    }

    pub fn into_kid(self) -> Option<String> {
        self.header.kid
    }

    /// Verifies the signature with one of the client's keys and returns the claims.
    ///
    /// # Errors
    /// Returns the reason why the object is invalid.
    pub fn verify(&self, keys: &JwkSet) -> Result<Map<String, Value>, Cow<'static, str>> {
        let algorithm = jws_algorithm(&self.header.alg).ok_or_else(|| {
            let named: String = printable(&self.header.alg).chars().take(20).collect();
            let supported = REQUEST_OBJECT_ALGORITHMS.join(" ");
            format!("its algorithm (alg) {named} is not supported; supported: {supported}")
        })?;
        let key = DecodingKey::from_jwk(self.key(keys, algorithm)?)
            .map_err(|_| "the client's registered key cannot be used")?;
        let (message, signature) = self.object.rsplit_once('.').unwrap_or_default();
        // A key of another type is an error too.
        if !crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap_or_default() {
            return Err("its signature does not match the key of the client".into());
        }
        let (_, payload) = message.split_once('.').unwrap_or_default();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok();
        let claims = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        claims.ok_or_else(|| "its claims are not a JSON object".into())
    }

    /// Returns the key that the object names, or else the only one that its algorithm fits.
    fn key<'k>(&self, keys: &'k JwkSet, algorithm: Algorithm) -> Result<&'k Jwk, &'static str> {
        if let Some(kid) = &self.header.kid {
            let named = keys.find(kid);
            let named = named.ok_or("its key (kid) is not one that the client has registered")?;
            return Some(named)
                .filter(|key| fits(key, algorithm))
                .ok_or("its key (kid) is not for its algorithm, or not for signatures");
        }
        let mut fitting = keys.keys.iter().filter(|key| fits(key, algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err("the client has registered no key for its algorithm"),
            _ => Err("it has no kid, and the client has registered several keys for its algorithm"),
        }
    }
}

fn problem(error: JwtHeaderError) -> &'static str {
    match error {
        JwtHeaderError::NotAJwt => "it is not a signed JWT",
        JwtHeaderError::Malformed => {
            "its header is not a JSON object with distinct members and with strings for alg, typ and kid"
        }
        JwtHeaderError::Critical => {
            "it has critical header parameters (crit), which are not supported"
        }
        JwtHeaderError::Unencoded => "it has the header parameter b64, which JWTs must not use",
    }
}

/// Returns the algorithm with this name, if request objects can be signed with it.
fn jws_algorithm(name: &str) -> Option<Algorithm> {
    let name = REQUEST_OBJECT_ALGORITHMS.contains(&name).then_some(name)?;
    if name == "Ed25519" { Some(Algorithm::EdDSA) } else { name.parse().ok() }
}

/// Returns whether a type is that of JWTs which are no request objects, such as access tokens (RFC
/// 8725 §3.11). Many libraries write `JWT`, or no type.
fn is_of_other_jwts(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    typ.ends_with("+jwt") && typ != "oauth-authz-req+jwt"
}

/// Returns whether a key may verify signatures of this algorithm, by its type, `alg`, `use` and
/// `key_ops`.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let allowed = serde_json::to_value(key).map(|key| signature_algorithms(&key));
    allowed.unwrap_or_default().into_iter().any(|name| name.parse() == Ok(algorithm))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header as JwsHeader};
    use serde_json::json;

    use super::*;
    use crate::{domain::Algorithm as KeyAlgorithm, keys::generate};

    fn key_pair(algorithm: KeyAlgorithm, jws: Algorithm) -> (EncodingKey, Jwk) {
        let pkcs8 = generate(algorithm).unwrap().pkcs8;
        let key = match algorithm {
            KeyAlgorithm::EdDSA => EncodingKey::from_ed_der(&pkcs8),
            _ => EncodingKey::from_ec_der(&pkcs8),
        };
        let jwk = Jwk::from_encoding_key(&key, jws).unwrap();
        (key, jwk)
    }

    /// Signs with `EdDSA` under a header that names `alg`.
    fn signed(key: &EncodingKey, alg: &str) -> String {
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": alg }));
        let message = format!("{header}.{}", part(json!({ "client_id": "a" })));
        let signature = crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    }

    #[test]
    fn ed25519_is_another_name_of_eddsa() {
        let (key, jwk) = key_pair(KeyAlgorithm::EdDSA, Algorithm::EdDSA);
        let keys = JwkSet { keys: vec![jwk] };
        for (name, other) in [("Ed25519", "EdDSA"), ("EdDSA", "Ed25519")] {
            let object = signed(&key, name);
            let object = SignedObject::parse(&object).unwrap();
            assert_eq!(object.verify(&keys).unwrap()["client_id"], "a");
            assert!(object.is_signed_with(name) && object.is_signed_with(other));
            assert!(!object.is_signed_with("ES256"));
        }
    }

    #[test]
    fn unserved_algorithm_is_named_in_the_error() {
        let (key, jwk) = key_pair(KeyAlgorithm::EdDSA, Algorithm::EdDSA);
        let keys = JwkSet { keys: vec![jwk] };
        for name in ["ES512", "RS512", "Ed448", "HS256", "none", "ed25519"] {
            let object = signed(&key, name);
            let error = SignedObject::parse(&object).unwrap().verify(&keys).unwrap_err();
            assert!(error.contains(&format!("(alg) {name} is not supported")), "{error}");
        }
    }

    #[test]
    fn object_without_kid_is_verified_by_the_only_key_of_its_algorithm() {
        let (key, jwk) = key_pair(KeyAlgorithm::ES256, Algorithm::ES256);
        let (_, other_type) = key_pair(KeyAlgorithm::EdDSA, Algorithm::EdDSA);
        let (_, same_type) = key_pair(KeyAlgorithm::ES256, Algorithm::ES256);
        let header = JwsHeader::new(Algorithm::ES256);
        let object = jsonwebtoken::encode(&header, &json!({}), &key).unwrap();
        let verify = |keys: &[&Jwk]| {
            let keys = JwkSet { keys: keys.iter().map(|&key| key.clone()).collect() };
            SignedObject::parse(&object).unwrap().verify(&keys).map(drop)
        };
        assert_eq!(verify(&[&other_type, &jwk]), Ok(()));
        assert!(verify(&[&jwk, &same_type]).unwrap_err().contains("several keys"));
        assert!(verify(&[&other_type]).unwrap_err().contains("no key for its algorithm"));
    }

    #[test]
    fn key_is_used_only_for_what_it_is_registered_for() {
        let (key, jwk) = key_pair(KeyAlgorithm::ES256, Algorithm::ES256);
        let jwk = serde_json::to_value(jwk).unwrap();
        for (name, value, accepted) in [
            ("alg", json!("ES256"), true),
            ("alg", json!("ES384"), false),
            ("use", json!("sig"), true),
            ("use", json!("enc"), false),
            ("key_ops", json!(["verify"]), true),
            ("key_ops", json!(["deriveKey"]), false),
        ] {
            let mut jwk = jwk.clone();
            jwk["kid"] = json!("k");
            jwk[name] = value.clone();
            let keys: JwkSet = serde_json::from_value(json!({ "keys": [jwk] })).unwrap();
            for (kid, problem) in [(Some("k"), "(kid) is not for"), (None, "no key for its")] {
                let header =
                    JwsHeader { kid: kid.map(str::to_owned), ..JwsHeader::new(Algorithm::ES256) };
                let object = jsonwebtoken::encode(&header, &json!({}), &key).unwrap();
                match SignedObject::parse(&object).unwrap().verify(&keys) {
                    Ok(_) => assert!(accepted, "{name} {value} {kid:?}"),
                    Err(error) => {
                        assert!(!accepted && error.contains(problem), "{name} {value}: {error}");
                    }
                }
            }
        }
    }
}
