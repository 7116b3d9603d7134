use std::sync::Arc;

use serde_json::Value;

use super::jwk::{self, Key};
use crate::{algorithm::Algorithm, error::VerifyError};

/// The keys of an issuer, as published at one time.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<(Option<String>, Arc<Key>)>,
    /// The published JWKs, to detect changes.
    published: Vec<Value>,
    /// Incremented with every change. Tokens verified with an earlier generation are verified
    /// again.
    pub(super) generation: u64,
    /// In milliseconds since 1970.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(dead_code, reason = "only fetched keys are fetched again")
    )]
    pub(super) fetched_at: i64,
}

impl KeySet {
    /// Reads published JWKs, which replace those of `before`. Keys of other types and uses are
    /// ignored.
    pub(super) fn new(
        published: Vec<Value>,
        before: Option<Arc<Self>>,
        now: i64,
    ) -> Result<Self, VerifyError> {
        // An issuer that publishes a secret key cannot be trusted with the others.
        if published.iter().any(jwk::is_secret) {
            return Err(VerifyError::unavailable(
                "the issuer publishes a private or symmetric key",
                None,
            ));
        }
        let keys: Vec<_> =
            published.iter().filter_map(jwk::read).map(|(kid, key)| (kid, Arc::new(key))).collect();
        // More likely a mistake than the intention to invalidate every token.
        if keys.is_empty() {
            return Err(VerifyError::unavailable("the issuer publishes no usable key", None));
        }
        let generation = match before {
            Some(before) if before.published == published => before.generation,
            Some(before) => before.generation + 1,
            None => 1,
        };
        Ok(Self { keys, published, generation, fetched_at: now })
    }

    /// Returns the key with this key id, or for a token without `kid` the key that its algorithm
    /// fits (RFC 7515 §4.1.4: `kid` is optional). If several match, none is used.
    pub(super) fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut matching = self.keys.iter().filter(|(id, key)| match kid {
            Some(kid) => id.as_deref() == Some(kid),
            None => key.algorithms.contains(&algorithm),
        });
        match (matching.next(), matching.next()) {
            (Some((_, key)), None) => Some(Arc::clone(key)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RS256: Algorithm = Algorithm::RS256;

    fn rsa(kid: Option<&str>) -> Value {
        let mut jwk = json!({ "kty": "RSA", "n": "sXch", "e": "AQAB" });
        if let Some(kid) = kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    fn set(published: Vec<Value>) -> Result<KeySet, VerifyError> {
        KeySet::new(published, None, 0)
    }

    #[test]
    fn ambiguous_kid_matches_no_key() {
        let set = set(vec![rsa(Some("1")), rsa(Some("1")), rsa(Some("2"))]).unwrap();
        assert!(set.key(Some("1"), RS256).is_none() && set.key(Some("2"), RS256).is_some());
    }

    #[test]
    fn token_without_kid_requires_a_single_key_of_its_algorithm() {
        let ec = || {
            let x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
            let y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
            json!({ "kty": "EC", "crv": "P-256", "kid": "e", "x": x, "y": y })
        };
        let mut rs512 = rsa(Some("2"));
        rs512["alg"] = json!("RS512");
        for keys in [
            vec![rsa(None)],
            vec![rsa(Some("1"))],
            vec![ec(), rsa(Some("1"))],
            vec![rs512.clone(), rsa(None)],
        ] {
            assert!(set(keys.clone()).unwrap().key(None, RS256).is_some(), "{keys:?}");
        }
        for keys in [vec![rsa(None), rsa(Some("2"))], vec![ec()], vec![rs512]] {
            assert!(set(keys.clone()).unwrap().key(None, RS256).is_none(), "{keys:?}");
        }
    }

    #[test]
    fn keys_of_an_unknown_type_are_ignored() {
        let set = set(vec![json!({ "kty": "PQC", "kid": "q" }), json!(7), rsa(Some("1"))]).unwrap();
        assert!(set.key(Some("1"), RS256).is_some() && set.key(Some("q"), RS256).is_none());
    }

    #[test]
    fn empty_and_secret_key_sets_are_rejected() {
        let symmetric = json!({ "kty": "oct", "k": "c2VjcmV0" });
        assert!(set(vec![]).is_err() && set(vec![rsa(Some("1")), symmetric]).is_err());
    }

    #[test]
    fn generation_changes_with_the_keys() {
        let first = Arc::new(set(vec![rsa(Some("1"))]).unwrap());
        let same = KeySet::new(vec![rsa(Some("1"))], Some(Arc::clone(&first)), 9).unwrap();
        let other = KeySet::new(vec![rsa(Some("2"))], Some(Arc::clone(&first)), 9).unwrap();
        assert_eq!((first.generation, same.generation, other.generation), (1, 1, 2));
    }
}
