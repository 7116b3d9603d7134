//! The `Authorization` header with an access token, and the challenge of a resource server (RFC
//! 6750).

use std::fmt::{self, Write};

use crate::{AccessToken, printable};

/// Parses the value of an `Authorization` header.
///
/// Returns `None` for another scheme and `Some(Err)` for a malformed `Bearer` header.
#[must_use]
pub fn parse(header: &[u8]) -> Option<Result<AccessToken, BearerHeaderError>> {
    let (scheme, rest) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") || rest.first().is_some_and(|next| *next != b' ') {
        return None;
    }
    Some(token(rest.trim_ascii()).ok_or(BearerHeaderError))
}

/// A `Bearer` header without a token of the characters of RFC 6750 §2.1 (`b64token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the Authorization header has scheme Bearer but no token of the characters that RFC 6750 section 2.1 allows"
)]
pub struct BearerHeaderError;

fn token(bytes: &[u8]) -> Option<AccessToken> {
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric()
            | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    // No early exit, so that the loop can be vectorized.
    let all = bytes.iter().fold(!bytes.is_empty(), |all, byte| all & allowed(*byte));
    let text = std::str::from_utf8(bytes).ok()?;
    all.then(|| AccessToken::new(text))
}

/// The value of a `WWW-Authenticate` header (RFC 6750 §3).
///
/// ```
/// use oauth_types::bearer::Challenge;
/// let challenge = Challenge::new("https://b.example").error("invalid_token", "it expired");
/// assert_eq!(
///     challenge.to_string(),
///     r#"Bearer realm="https://b.example", error="invalid_token", error_description="it expired""#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Creates a challenge without an error, for a request without a token (RFC 6750 §3.1).
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self(format!("Bearer realm=\"{}\"", printable(realm)))
    }

    /// Adds `error` and `error_description`.
    #[must_use]
    pub fn error(self, code: &str, description: &str) -> Self {
        self.with("error", code).with("error_description", description)
    }

    /// Adds an attribute, such as `scope` (RFC 6750 §3) or `resource_metadata` (RFC 9728 §5.1).
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.0, ", {name}=\"{}\"", printable(value));
        self
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bearer_token_is_parsed() {
        assert_eq!(parse(b"Bearer eyJhbGciOi").unwrap().unwrap().expose(), "eyJhbGciOi");
        assert_eq!(parse(b"bearer  eyJhbGciOi").unwrap().unwrap().expose(), "eyJhbGciOi");
    }

    #[test]
    fn other_schemes_have_no_token() {
        assert!(parse(b"Basic abc").is_none() && parse(b"Bearerx abc").is_none());
    }

    #[test]
    fn empty_or_invalid_token_is_malformed() {
        for broken in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \u{e4}"] {
            assert_eq!(
                parse(broken.as_bytes()).unwrap().unwrap_err(),
                BearerHeaderError,
                "{broken}"
            );
        }
    }

    #[test]
    fn challenge_values_are_escaped() {
        let printed = Challenge::new("b")
            .error("invalid_token", "x\", error=\"\r\nSet-Cookie: a")
            .to_string();
        assert!(!printed.contains('\n') && printed.matches('"').count() == 6, "{printed}");
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"Bearer ", &bytes[..]].concat());
        }
    }
}
