use oauth_http::{BodyError, TransportError};
use reqwest::StatusCode;

use super::guarded_resolver::AddressError;

/// Maximum length of the cause of a failed connection.
const MAX_CAUSE_CHARS: usize = 200;

/// Why a request to a client's URL failed. The message may be sent to the client: it does not
/// reveal whether a host name is unknown or leads to an internal address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL is not one that C calls.
    #[error("the URL {0}")]
    InvalidUrl(&'static str),
    /// No complete response. Holds the cause, for the log.
    #[error("no public address of its host responds")]
    Unreachable(String),
    /// Too many connections to the address of the server; the time until the next one, in seconds.
    #[error("too many connections to this address; try again in {0} s")]
    RateLimited(u64),
    /// A status other than 2xx; a redirect is one.
    #[error("the server responded with status {0}")]
    Status(StatusCode),
    #[error("the response is longer than {} bytes", super::MAX_BODY_BYTES)]
    TooLong,
    #[error("the response is not JSON")]
    NotJson,
}

impl OutboundError {
    /// Returns whether the same request may succeed later, without a change of the URL or of what
    /// its server responds.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::RateLimited(_) => true,
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::InvalidUrl(_) | Self::TooLong | Self::NotJson => false,
        }
    }

    /// Returns the reason for the log, which names the cause.
    pub fn log_reason(&self) -> String {
        match self {
            Self::Unreachable(cause) => cause.clone(),
            other => other.to_string(),
        }
    }
}

impl From<TransportError> for OutboundError {
    fn from(error: TransportError) -> Self {
        let cause = error.to_string().chars().take(MAX_CAUSE_CHARS).collect();
        let error = error.into_inner();
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = next {
            if let Some(AddressError::RateLimited(seconds)) = error.downcast_ref() {
                return Self::RateLimited(*seconds);
            }
            next = error.source();
        }
        Self::Unreachable(cause)
    }
}

impl From<BodyError> for OutboundError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong => Self::TooLong,
            BodyError::NotJson => Self::NotJson,
        }
    }
}
