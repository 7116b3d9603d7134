use std::sync::Arc;

use serde_json::Value;

use super::jwk::{self, Key};
use crate::error::VerifyError;

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

    /// Returns the key with this key id. If two keys have it, neither is used. A token without
    /// `kid` is accepted only if there is one key, and that has no `kid` either.
    pub(super) fn key(&self, kid: Option<&str>) -> Option<Arc<Key>> {
        let mut matching = self.keys.iter().filter(|(id, _)| id.as_deref() == kid);
        let (_, key) = matching.next()?;
        let ambiguous = matching.next().is_some() || (kid.is_none() && self.keys.len() > 1);
        (!ambiguous).then(|| Arc::clone(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        assert!(set.key(Some("1")).is_none() && set.key(Some("2")).is_some());
    }

    #[test]
    fn token_without_kid_requires_single_key_without_kid() {
        assert!(set(vec![rsa(None)]).unwrap().key(None).is_some());
        assert!(set(vec![rsa(None), rsa(Some("2"))]).unwrap().key(None).is_none());
        assert!(set(vec![rsa(Some("1"))]).unwrap().key(None).is_none());
    }

    #[test]
    fn keys_of_an_unknown_type_are_ignored() {
        let set = set(vec![json!({ "kty": "PQC", "kid": "q" }), json!(7), rsa(Some("1"))]).unwrap();
        assert!(set.key(Some("1")).is_some() && set.key(Some("q")).is_none());
    }

    #[test]
    fn empty_and_secret_key_sets_are_rejected() {
        let symmetric = json!({ "kty": "oct", "k": "c2VjcmV0" });
        assert!(set(vec![]).is_err() && set(vec![rsa(Some("1")), symmetric]).is_err());
    }

    #[test]
    fn the_generation_changes_with_the_keys() {
        let first = Arc::new(set(vec![rsa(Some("1"))]).unwrap());
        let same = KeySet::new(vec![rsa(Some("1"))], Some(Arc::clone(&first)), 9).unwrap();
        let other = KeySet::new(vec![rsa(Some("2"))], Some(Arc::clone(&first)), 9).unwrap();
        assert_eq!((first.generation, same.generation, other.generation), (1, 1, 2));
    }
}
