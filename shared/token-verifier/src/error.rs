use std::time::Duration;

use flow_events::Rule;

/// Why a token was not accepted. It contains neither tokens nor secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not valid. The same token will not become valid later, unless its `nbf` or
    /// `iat` is in the future.
    #[error("{reason}")]
    Invalid {
        /// The rule that the token violates. `None` if it cannot be parsed.
        rule: Option<Rule>,
        /// The reason, with the expected and the found value.
        reason: String,
    },
    /// The token cannot be verified now, for example because the issuer is down.
    #[error("{reason}")]
    Unavailable {
        /// What failed.
        reason: String,
        /// The delay after which verification may succeed.
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

    /// The value is not quoted, because logs contain the message.
    pub(crate) fn wrong_type(claim: &str) -> Self {
        Self::malformed(format!("the claim {claim} of the access token has the wrong type"))
    }

    pub(crate) fn unavailable(reason: impl Into<String>, retry_after: Option<Duration>) -> Self {
        let retry_after = retry_after.unwrap_or(Duration::from_secs(5));
        Self::Unavailable { reason: reason.into(), retry_after }
    }
}
