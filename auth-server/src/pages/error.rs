use serde::Serialize;

use super::{Shown, WebLink};

/// Says what happened and what to do next.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorPage {
    pub kind: ErrorKind,
    /// The OAuth error code.
    pub error: String,
    /// For developers, in English as in every other answer of C.
    pub detail: Option<String>,
    /// The section that was applied.
    pub rule: Option<WebLink>,
    /// What to look for in the log.
    pub request_id: Option<String>,
}

/// What happened, as the person who sees it can tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    UnknownClient,
    RedirectUri,
    InvalidRequest,
    Expired,
    /// The form's token is missing or another browser's.
    ForgedForm,
    /// A logout request that cannot be followed by a redirect.
    Logout,
    NoSuchPage,
    /// Too long, too slow, or broken off.
    NotTaken,
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
        Self::NoSuchPage,
        Self::NotTaken,
        Self::ServerError,
    ];
}

impl Shown for ErrorPage {
    const TEMPLATE: &'static str = "error";
}
