use std::time::Duration;

use flow_events::Rule;

/// Why a token was not found good. No token and no secret ever gets into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is not good, and never will be (or not any more).
    #[error("{reason}")]
    Invalid {
        /// The rule that it broke; `None` when it is no token at all.
        rule: Option<Rule>,
        /// The reason, with the compared values.
        reason: String,
    },
    /// Whether it is good cannot be found out now. That is not a yes.
    #[error("{reason}")]
    Unavailable {
        /// Why not.
        reason: String,
        /// When it may be asked again.
        retry_after: Duration,
    },
}

impl VerifyError {
    pub(crate) fn invalid(rule: Rule, reason: impl Into<String>) -> Self {
        Self::Invalid { rule: Some(rule), reason: reason.into() }
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Invalid { rule: None, reason: reason.into() }
    }

    pub(crate) fn unavailable(reason: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            retry_after: retry_after.unwrap_or(Duration::from_secs(5)),
        }
    }
}
