use std::sync::Arc;

use serde_json::Value;

use super::jwk::{self, Key};
use crate::VerifyError;

/// The keys that an issuer published at one time.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<(Option<String>, Arc<Key>)>,
    /// As published, to see whether anything has changed.
    published: Vec<Value>,
    /// Counts the changes: what was verified with earlier keys is verified again.
    pub(super) generation: u64,
    pub(super) fetched_at: i64,
}

impl KeySet {
    /// What was published after `before`. Keys of other kinds and for other uses are passed over.
    pub(super) fn new(
        published: Vec<Value>,
        before: Option<Arc<Self>>,
        now: i64,
    ) -> Result<Self, VerifyError> {
        // Whoever publishes a secret is not to be believed about the rest.
        if published.iter().any(jwk::is_secret) {
            return Err(VerifyError::unavailable(
                "the issuer publishes a private or symmetric key",
                None,
            ));
        }
        let keys: Vec<_> = published
            .iter()
            .filter_map(jwk::read)
            .map(|(name, key)| (name, Arc::new(key)))
            .collect();
        // More likely a fault than a wish to refuse everybody.
        if keys.is_empty() {
            return Err(VerifyError::unavailable(
                "the issuer publishes no key that can be used",
                None,
            ));
        }
        let generation = match before {
            Some(before) if before.published == published => before.generation,
            Some(before) => before.generation + 1,
            None => 1,
        };
        Ok(Self { keys, published, generation, fetched_at: now })
    }

    /// The key of that name. Where two have it, nobody can tell which is meant, and neither is
    /// taken; a token without `kid` is taken only where there is no choice.
    pub(super) fn key(&self, kid: Option<&str>) -> Option<Arc<Key>> {
        let mut named = self.keys.iter().filter(|(name, _)| name.as_deref() == kid);
        let (_, key) = named.next()?;
        let ambiguous = named.next().is_some() || (kid.is_none() && self.keys.len() > 1);
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
    fn of_two_keys_with_one_name_neither_is_taken() {
        let set = set(vec![rsa(Some("1")), rsa(Some("1")), rsa(Some("2"))]).unwrap();
        assert!(set.key(Some("1")).is_none() && set.key(Some("2")).is_some());
    }

    #[test]
    fn a_token_without_kid_is_taken_only_where_there_is_no_choice() {
        assert!(set(vec![rsa(None)]).unwrap().key(None).is_some());
        assert!(set(vec![rsa(None), rsa(Some("2"))]).unwrap().key(None).is_none());
        assert!(set(vec![rsa(Some("1"))]).unwrap().key(None).is_none());
    }

    #[test]
    fn keys_of_an_unknown_kind_are_passed_over() {
        let set = set(vec![json!({ "kty": "PQC", "kid": "q" }), json!(7), rsa(Some("1"))]).unwrap();
        assert!(set.key(Some("1")).is_some() && set.key(Some("q")).is_none());
    }

    #[test]
    fn a_set_that_is_empty_or_holds_a_secret_is_none() {
        let symmetric = json!({ "kty": "oct", "k": "c2VjcmV0" });
        assert!(set(vec![]).is_err() && set(vec![rsa(Some("1")), symmetric]).is_err());
    }

    #[test]
    fn a_generation_ends_when_the_keys_change() {
        let first = Arc::new(set(vec![rsa(Some("1"))]).unwrap());
        let same = KeySet::new(vec![rsa(Some("1"))], Some(Arc::clone(&first)), 9).unwrap();
        let other = KeySet::new(vec![rsa(Some("2"))], Some(Arc::clone(&first)), 9).unwrap();
        assert_eq!((first.generation, same.generation, other.generation), (1, 1, 2));
    }
}
