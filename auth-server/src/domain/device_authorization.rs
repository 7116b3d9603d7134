use oauth_types::Scope;

use super::{GrantResources, TokenHash, UserGrant};

/// A device authorization (RFC 8628): a device waits until its user approves on another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// Hash of the device code.
    pub hash: TokenHash,
    pub user_code: String,
    pub client_id: String,
    pub scope: Scope,
    pub resources: GrantResources,
    pub exp: i64,
    /// Minimum time between two polls.
    pub poll_interval_seconds: i64,
}

/// The status of a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceCodeStatus {
    /// The user has not decided yet.
    Pending,
    /// The device polls too often; its interval is extended.
    SlowDown,
    Denied,
    Approved {
        grant: Box<UserGrant>,
        revoked: bool,
        consumed: bool,
    },
}

/// A stored device authorization and its status at a poll.
#[derive(Clone, Debug)]
pub struct StoredDeviceAuthorization {
    pub device: DeviceAuthorization,
    pub status: DeviceCodeStatus,
}

/// Letters of user codes (RFC 8628 §6.1): no vowels, which could form words, and no similar ones.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Returns a user code such as `WDJB-MJHT`. Its 34 bits suffice because guesses are rate-limited.
pub fn new_user_code(random: [u8; 8]) -> String {
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let letters: Vec<char> = random.iter().map(letter).collect();
    let (first, second) = letters.split_at(4);
    first.iter().chain(['-'].iter()).chain(second).collect()
}

/// Parses a user code as typed, ignoring spaces, dashes and case.
pub fn parse_user_code(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    (letters.len() == 8 && typed.len() < 40).then(|| format!("{}-{}", &letters[..4], &letters[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_code_is_recognized_in_any_spelling() {
        let code = new_user_code([0, 1, 2, 3, 250, 251, 252, 253]);
        assert_eq!(code.len(), 9);
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', " "),
            format!(" {} ", code.replace('-', "")),
        ] {
            assert_eq!(parse_user_code(&typed).as_ref(), Some(&code), "{typed}");
        }
        for wrong in ["", "ABCD", "ABCDEFGHI", "ÄBCD-EFGH", &"-".repeat(50)] {
            assert_eq!(parse_user_code(wrong), None, "{wrong}");
        }
    }
}
