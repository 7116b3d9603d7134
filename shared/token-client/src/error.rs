use std::{fmt, time::Duration};

use oauth_http::{BodyError, DiscoveryError, HttpResponse, TransportError};
use oauth_types::OAuthError;

/// Why no token could be obtained. Errors are `Clone`, because all callers that waited for one
/// request share its failure. They contain no secret, no token and no response body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The connection failed, or broke before the response was complete.
    #[error("cannot reach the {endpoint} of the authorization server at {url}: {reason}")]
    Unreachable {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// Its URL.
        url: String,
        /// The text of the network error.
        reason: String,
    },
    /// The authorization server accepted the connection and did not respond in time.
    #[error(
        "the {endpoint} of the authorization server at {url} did not respond within {} ms",
        timeout.as_millis()
    )]
    TimedOut {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// Its URL.
        url: String,
        /// The configured timeout.
        timeout: Duration,
    },
    /// The authorization server rejected the request with an OAuth error (RFC 6749 §5.2). The same
    /// request will fail again.
    #[error("the authorization server rejected the token request with status {status}: {error}")]
    ErrorResponse {
        /// The HTTP status, usually 400 or 401.
        status: u16,
        /// The error code and its description.
        error: OAuthError,
    },
    /// The authorization server rejected the request with an error code that [`OAuthError`] does
    /// not know. Extensions and vendors define their own (RFC 6749 §8.5). The same request will
    /// fail again.
    #[error(
        "the authorization server rejected the token request with status {status}: {code}{}",
        description.as_deref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    OtherErrorResponse {
        /// The HTTP status, usually 400 or 401.
        status: u16,
        /// The error code, shortened and in printable characters.
        code: String,
        /// Its description, if there is one.
        description: Option<String>,
    },
    /// The authorization server cannot serve the request now: status 429 or 5xx.
    #[error(
        "the {endpoint} of the authorization server at {url} is unavailable: status {status}{}",
        retry_hint(*retry_after)
    )]
    Unavailable {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// Its URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The delay in `Retry-After`, if present.
        retry_after: Option<Duration>,
    },
    /// The response does not follow the specification.
    #[error(
        "the {endpoint} of the authorization server at {url} sent an invalid response with status {status}: {problem}"
    )]
    InvalidResponse {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// Its URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it. It never quotes the response.
        problem: &'static str,
    },
    /// The metadata names another issuer (RFC 8414 §3.3).
    #[error(
        "the metadata at {url} is of issuer {found:?}, but {expected:?} is configured; they must be identical"
    )]
    WrongIssuer {
        /// The URL of the metadata.
        url: String,
        /// The configured issuer.
        expected: String,
        /// The issuer in the metadata.
        found: String,
    },
}

/// The endpoint of the authorization server that a failed request was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The metadata (RFC 8414 §3).
    Metadata,
    /// The token endpoint (RFC 6749 §3.2).
    Token,
    /// The device authorization endpoint (RFC 8628 §3.1).
    DeviceAuthorization,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "metadata endpoint",
            Self::Token => "token endpoint",
            Self::DeviceAuthorization => "device authorization endpoint",
        })
    }
}

impl TokenError {
    /// Returns the delay that the authorization server asked for with `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn transport(
        endpoint: Endpoint,
        url: String,
        timeout: Duration,
        error: &TransportError,
    ) -> Self {
        if error.is_timeout() {
            Self::TimedOut { endpoint, url, timeout }
        } else {
            Self::Unreachable { endpoint, url, reason: error.root_cause() }
        }
    }

    pub(crate) fn unavailable(endpoint: Endpoint, url: String, response: &HttpResponse) -> Self {
        let (status, retry_after) = (response.status.as_u16(), response.retry_after());
        Self::Unavailable { endpoint, url, status, retry_after }
    }

    pub(crate) fn discovery(error: DiscoveryError, timeout: Duration) -> Self {
        let endpoint = Endpoint::Metadata;
        match error {
            DiscoveryError::Transport { url, source } => {
                Self::transport(endpoint, url, timeout, &source)
            }
            DiscoveryError::Status { url, response } if response.is_unavailable() => {
                Self::unavailable(endpoint, url, &response)
            }
            DiscoveryError::Status { url, response } => Self::InvalidResponse {
                endpoint,
                url,
                status: response.status.as_u16(),
                problem: "expected status 200",
            },
            DiscoveryError::Body { url, source } => {
                let problem = match source {
                    BodyError::TooLong => "it is longer than 64 KiB",
                    BodyError::NotJson => {
                        "it is not the metadata of an authorization server (RFC 8414 section 2)"
                    }
                };
                Self::InvalidResponse { endpoint, url, status: 200, problem }
            }
            DiscoveryError::WrongIssuer { url, expected, found } => {
                Self::WrongIssuer { url, expected, found }
            }
        }
    }
}

fn retry_hint(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |delay| format!("; retry after {} s", delay.as_secs()))
}
