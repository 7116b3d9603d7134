use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    #[default]
    ES256,
    #[serde(alias = "Ed25519")]
    EdDSA,
    RS256,
    /// For learning: the resource server has to hold the same secret, and could make passes with
    /// it.
    HS256,
}

/// Where a key stands in its life. It is published in all three states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published ahead of its use, so that every verifier has it when the first token comes.
    Next,
    /// Signs.
    Current { since: i64 },
    /// Signs no more; stays published as long as a token that it signed can live.
    Retired { since: i64 },
}

/// A key pair with its state.
#[derive(Clone)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub pkcs8: Zeroizing<Vec<u8>>,
    pub state: KeyState,
}

/// A key pair that is not in the store yet.
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

/// Has the current key signed for longer than `days`? Zero means never by schedule.
pub fn is_rotation_due(current_since: i64, now: i64, days: u32) -> bool {
    days > 0 && now.saturating_sub(current_since) >= i64::from(days) * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_after_its_days_and_never_when_there_is_no_schedule() {
        let day = 86_400;
        assert!(!is_rotation_due(0, 30 * day - 1, 30) && is_rotation_due(0, 30 * day, 30));
        assert!(!is_rotation_due(0, 10_000 * day, 0));
    }
}
