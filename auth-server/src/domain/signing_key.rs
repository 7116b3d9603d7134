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
    /// Published before use, so that verifiers know it when the first token arrives.
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

/// Returns whether the current key has signed for at least `days`. Zero disables the schedule.
pub fn is_rotation_due(current_since: i64, now: i64, days: u32) -> bool {
    days > 0 && now.saturating_sub(current_since) >= i64::from(days) * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_is_due_after_the_interval_unless_it_is_zero() {
        let day = 86_400;
        assert!(!is_rotation_due(0, 30 * day - 1, 30) && is_rotation_due(0, 30 * day, 30));
        assert!(!is_rotation_due(0, 10_000 * day, 0));
    }
}
