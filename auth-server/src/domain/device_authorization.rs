use oauth_types::Scope;

use super::{TokenHash, UserGrant};

/// A device without a browser, which waits until its user has said yes elsewhere (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// Of the device code.
    pub hash: TokenHash,
    pub user_code: String,
    pub client_id: String,
    pub scope: Scope,
    pub resources: Vec<String>,
    pub exp: i64,
    /// At least so many seconds between two questions.
    pub poll_interval_seconds: i64,
}

/// What a device is told when it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceCodeStatus {
    /// Nobody has decided yet.
    Pending,
    /// It asks too often; from now on it has to wait longer.
    SlowDown,
    Denied,
    Approved {
        grant: UserGrant,
        revoked: bool,
        spent: bool,
    },
}

/// A device as the store knows it, and what is to be said to it now.
#[derive(Clone, Debug)]
pub struct StoredDeviceAuthorization {
    pub device: DeviceAuthorization,
    pub status: DeviceCodeStatus,
}

/// The letters of user codes (RFC 8628 §6.1): no vowels, so that no words come about, and none that
/// look alike.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A code for people, `WDJB-MJHT`: 34 bits, which is enough because guesses are counted.
pub fn new_user_code(random: [u8; 8]) -> String {
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let letters: Vec<char> = random.iter().map(letter).collect();
    let (first, second) = letters.split_at(4);
    first.iter().chain(['-'].iter()).chain(second).collect()
}

/// What a person typed, as it was written on the device: spaces, dashes and the case of letters
/// don't matter.
pub fn parse_user_code(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    (letters.len() == 8 && typed.len() < 40).then(|| format!("{}-{}", &letters[..4], &letters[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_again_however_it_was_typed() {
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
