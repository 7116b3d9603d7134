use serde::Serialize;

use super::{View, WebLink};

/// An error page: what happened and what to do next.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorPage {
    pub kind: ErrorKind,
    /// The OAuth error code.
    pub error: String,
    /// Details for developers, in English as in all API errors.
    pub detail: Option<String>,
    /// The URL of the specification section behind the rejection.
    pub rule: Option<WebLink>,
    /// The request id, to find the request in the log.
    pub request_id: Option<String>,
}

/// The errors with their own texts for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    UnknownClient,
    RedirectUri,
    InvalidRequest,
    Expired,
    /// The CSRF token is missing or belongs to another browser.
    ForgedForm,
    /// A logout request whose redirect is not allowed.
    Logout,
    /// There is no page at this path, or it does not support this method.
    NotFound,
    /// The request body is too long, too slow or incomplete.
    UnreadableBody,
    ServerError,
}

#[cfg(test)]
impl ErrorKind {
    pub const ALL: [Self; 9] = [
        Self::UnknownClient,
        Self::RedirectUri,
        Self::InvalidRequest,
        Self::Expired,
        Self::ForgedForm,
        Self::Logout,
        Self::NotFound,
        Self::UnreadableBody,
        Self::ServerError,
    ];
}

impl View for ErrorPage {
    const TEMPLATE: &'static str = "error";
}
