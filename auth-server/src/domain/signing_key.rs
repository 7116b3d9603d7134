use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Signature algorithm of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    #[default]
    ES256,
    #[serde(alias = "Ed25519")]
    EdDSA,
    RS256,
    /// For learning: the resource server needs the same secret and could sign tokens with it.
    HS256,
}

/// State of a signing key. Keys in all states are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published before it signs, so that verifiers know it when its first token arrives.
    Next,
    /// Signs tokens.
    Current { since: i64 },
    /// Signs no more; published until the last token that it signed has expired.
    Retired { since: i64 },
}

/// A stored signing key.
#[derive(Clone)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub pkcs8: Zeroizing<Vec<u8>>,
    pub state: KeyState,
}

/// A new key pair.
#[derive(Clone)]
pub struct NewKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// Without the private key.
impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::ES256, Self::EdDSA, Self::RS256, Self::HS256];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::HS256 => "HS256",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// Whether an algorithm can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningStatus<'a> {
    NoKey,
    /// Its first key is published and not yet current.
    Published {
        kid: &'a str,
    },
    Active,
}

/// Returns whether an algorithm can sign with these keys. Retired keys do not count.
pub fn signing_status(algorithm: Algorithm, keys: &[SigningKey]) -> SigningStatus<'_> {
    let of_algorithm = || keys.iter().filter(|key| key.algorithm == algorithm);
    if of_algorithm().any(|key| matches!(key.state, KeyState::Current { .. })) {
        return SigningStatus::Active;
    }
    match of_algorithm().find(|key| key.state == KeyState::Next) {
        Some(key) => SigningStatus::Published { kid: &key.kid },
        None => SigningStatus::NoKey,
    }
}

/// Returns whether the current key has signed for at least `days`. Zero disables the schedule.
pub fn is_rotation_due(current_since: i64, now: i64, days: u32) -> bool {
    days > 0 && now.saturating_sub(current_since) >= i64::from(days) * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithm_signs_only_with_a_current_key_of_its_own() {
        let key = |kid: &str, algorithm, state| SigningKey {
            kid: kid.to_owned(),
            algorithm,
            pkcs8: Zeroizing::default(),
            state,
        };
        let retired = key("a", Algorithm::RS256, KeyState::Retired { since: 1 });
        let next = key("b", Algorithm::RS256, KeyState::Next);
        let current = key("c", Algorithm::RS256, KeyState::Current { since: 2 });
        let other = key("d", Algorithm::ES256, KeyState::Current { since: 2 });
        let status = |keys: &[&SigningKey]| {
            let keys: Vec<_> = keys.iter().map(|key| (*key).clone()).collect();
            match signing_status(Algorithm::RS256, &keys) {
                SigningStatus::NoKey => "no key".to_owned(),
                SigningStatus::Published { kid } => format!("published {kid}"),
                SigningStatus::Active => "active".to_owned(),
            }
        };
        assert_eq!(status(&[&retired, &other]), "no key");
        assert_eq!(status(&[&retired, &other, &next]), "published b");
        assert_eq!(status(&[&next, &current]), "active");
    }

    #[test]
    fn rotation_is_due_after_the_interval_unless_it_is_zero() {
        let day = 86_400;
        assert!(!is_rotation_due(0, 30 * day - 1, 30) && is_rotation_due(0, 30 * day, 30));
        assert!(!is_rotation_due(0, 10_000 * day, 0));
    }
}
