use std::{fmt, time::Duration};

use oauth_types::OAuthError;

/// Why there is no token. It can be cloned, because one failure is shared by all who waited for it,
/// and printed, because neither a secret, nor a token, nor the body of an answer ever gets into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No connection, or one that broke before the answer was complete.
    #[error("the authorization server cannot be reached at {url} for {step}: {reason}")]
    Unreachable {
        /// What was asked for.
        step: Step,
        /// Where.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// A connection, but no answer in time.
    #[error("the authorization server at {url} did not answer {step} within {} ms", limit.as_millis())]
    TimedOut {
        /// What was asked for.
        step: Step,
        /// Where.
        url: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The authorization server says no, and why. Asking again will not help.
    #[error("the authorization server refused the token request with status {status}: {error}")]
    ErrorResponse {
        /// The HTTP status, 400 or 401 as a rule.
        status: u16,
        /// Its reason.
        error: OAuthError,
    },
    /// The authorization server cannot answer now (429 and 5xx).
    #[error("the authorization server at {url} is unavailable for {step}: status {status}{}", again(*retry_after))]
    Unavailable {
        /// What was asked for.
        step: Step,
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// After what time it wants to be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// An answer that cannot be used.
    #[error(
        "the authorization server at {url} gave an unusable answer to {step} with status {status}: {what}"
    )]
    InvalidResponse {
        /// What was asked for.
        step: Step,
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it, in our words and never in its own.
        what: &'static str,
    },
    /// The metadata speaks for somebody else (RFC 8414 §3.3).
    #[error(
        "the metadata at {url} is of issuer {found:?}, but {expected:?} is configured; they must be equal to the byte"
    )]
    WrongIssuer {
        /// Where the metadata was found.
        url: String,
        /// The issuer that is configured.
        expected: String,
        /// The issuer that the metadata names.
        found: String,
    },
}

/// What the authorization server was asked for when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Its metadata: where is the token endpoint?
    Metadata,
    /// A token.
    Token,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "its metadata",
            Self::Token => "a token",
        })
    }
}

impl TokenError {
    /// After what time the authorization server wants to be asked again, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn again(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |after| format!("; it asks to wait {} s", after.as_secs()))
}
