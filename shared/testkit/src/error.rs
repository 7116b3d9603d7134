use std::fmt;

use serde::Deserialize;

use crate::journal::Unmet;

/// Why a call of the control API has not done what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The server has rejected the call.
    #[error("{0}")]
    Rejected(Box<Rejection>),
    /// The server has not received the requests that the test expects.
    #[error("{0}")]
    Unmet(Box<Unmet>),
    /// The server cannot be reached, or has closed the connection.
    #[error("no response of the control API")]
    NoResponse(#[source] reqwest::Error),
    /// The process ends while the call waits for its response.
    #[error("the call was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// The response is not one of the control API.
    #[error("the response with status {status} is not one of the control API: {problem}")]
    InvalidResponse {
        /// The status of the response.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// The URL of the control API, or a URL in a response, cannot be used.
    #[error("`{url}` is not the URL of a control API: {problem}")]
    InvalidUrl {
        /// The text that should be a URL.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The error response of the control API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Rejection {
    /// The status of the response.
    #[serde(skip)]
    pub status: u16,
    /// The error code, for programs.
    pub error: String,
    /// What is wrong, for people.
    pub error_description: String,
    /// The part of the request at fault (RFC 6901).
    pub pointer: Option<String>,
    /// What that part must be.
    pub expected: Option<String>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, error, error_description, pointer, expected } = self;
        write!(f, "{status} {error}: {error_description}")?;
        if let Some(pointer) = pointer {
            write!(f, " (at `{pointer}`)")?;
        }
        match expected {
            Some(expected) => write!(f, "; expected: {expected}"),
            None => Ok(()),
        }
    }
}

impl ControlError {
    /// Returns the error response, if the server has rejected the call.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}
