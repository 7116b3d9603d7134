//! The published keys of a provider (RFC 7517), and which of them verifies a JWT.

use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use oauth_types::signature_algorithms;
use serde_json::{Map, Value};

/// The accepted signature algorithms. Neither `none` nor HMAC: anyone who knows the client secret
/// could create HMAC-signed tokens. RFC 9864 calls `EdDSA` with an Ed25519 key `Ed25519`.
pub const SIGNATURE_ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];

/// Members of a JWK that describe the key itself. Malformed values of all others are ignored.
const KEY_MEMBERS: [&str; 6] = ["kty", "crv", "n", "e", "x", "y"];

/// Parses the name of an accepted algorithm.
pub(super) fn parse_algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" | "Ed25519" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// The keys of a provider that verify signatures.
#[derive(Clone)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    /// The key determines them. If the header of a token did, an attacker could choose one that the
    /// provider does not use with this key (RFC 8725 §3.1).
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// Why no key verifies a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyError {
    /// No key has this id and fits the algorithm.
    Unknown,
    /// Several keys have this id, or there is no id and several fit the algorithm.
    Ambiguous,
}

impl KeySet {
    /// Reads a JWK Set. Keys of other types and uses are ignored. Returns `None` if the document is
    /// not a JWK Set.
    pub(super) fn read(document: &Value) -> Option<Self> {
        let keys = document.get("keys")?.as_array()?;
        Some(Self(keys.iter().filter_map(Key::read).collect()))
    }

    /// Returns the key for a JWT. Without `kid`, exactly one key must fit the algorithm (OpenID
    /// Connect Core §10.1).
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&DecodingKey, KeyError> {
        let fits = |key: &&Key| {
            key.algorithms.contains(&algorithm) && (kid.is_none() || key.kid.as_deref() == kid)
        };
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.decoding),
            (None, _) => Err(KeyError::Unknown),
            (Some(_), Some(_)) => Err(KeyError::Ambiguous),
        }
    }
}

impl Key {
    fn read(jwk: &Value) -> Option<Self> {
        let algorithms: Vec<_> =
            signature_algorithms(jwk).into_iter().filter_map(parse_algorithm).collect();
        if algorithms.is_empty() {
            return None;
        }
        let members = KEY_MEMBERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), jwk.get(name)?.clone())));
        let parsed: Jwk = serde_json::from_value(Value::Object(Map::from_iter(members))).ok()?;
        let decoding = DecodingKey::from_jwk(&parsed).ok()?;
        let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        Some(Self { kid, algorithms, decoding })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::signer::Signer;

    use super::*;

    fn jwk(signer: &Signer, change: impl FnOnce(&mut Value)) -> Value {
        let mut jwk = signer.jwk();
        change(&mut jwk);
        jwk
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::read(&json!({ "keys": keys })).unwrap()
    }

    #[test]
    fn key_without_kid_is_found_if_one_key_fits_the_algorithm() {
        let (rsa, ec) = (Signer::rs256("r"), Signer::es256("e"));
        let both = set(&[rsa.jwk(), ec.jwk()]);
        assert!(both.find(None, Algorithm::RS256).is_ok());
        assert!(both.find(None, Algorithm::ES256).is_ok());
        assert_eq!(both.find(None, Algorithm::ES384).err(), Some(KeyError::Unknown));
        let two = set(&[ec.jwk(), Signer::es256("f").jwk()]);
        assert_eq!(two.find(None, Algorithm::ES256).err(), Some(KeyError::Ambiguous));
        assert!(two.find(Some("f"), Algorithm::ES256).is_ok());
        assert_eq!(two.find(Some("g"), Algorithm::ES256).err(), Some(KeyError::Unknown));
    }

    #[test]
    fn key_is_used_only_as_its_members_allow() {
        let rsa = Signer::rs256("r");
        let found = |key: Value, algorithm| set(&[key]).find(Some("r"), algorithm).is_ok();
        assert!(found(jwk(&rsa, |_| ()), Algorithm::RS256));
        assert!(!found(jwk(&rsa, |jwk| jwk["alg"] = json!("PS256")), Algorithm::RS256));
        assert!(!found(jwk(&rsa, |jwk| jwk["use"] = json!("enc")), Algorithm::RS256));
        assert!(!found(jwk(&rsa, |jwk| jwk["key_ops"] = json!(["wrapKey"])), Algorithm::RS256));
        assert!(!found(jwk(&rsa, |jwk| jwk["kty"] = json!("oct")), Algorithm::RS256));
        let unnamed = jwk(&rsa, |jwk| {
            jwk.as_object_mut().unwrap().remove("alg");
        });
        assert!(found(unnamed, Algorithm::PS256));
        let odd = jwk(&rsa, |jwk| jwk["x5c"] = json!(7));
        assert!(found(odd, Algorithm::RS256), "an odd member that is not needed is ignored");
    }

    #[test]
    fn every_listed_algorithm_is_parsed() {
        for name in SIGNATURE_ALGORITHMS {
            assert!(parse_algorithm(name).is_some(), "{name}");
        }
        for name in ["none", "HS256", "rs256", "ES512", ""] {
            assert_eq!(parse_algorithm(name), None, "{name}");
        }
    }
}
