use flow_events::current_trace;
use oauth_types::OAuthError;
use serde::Serialize;

use super::{View, WebLink};

/// An error page: what happened and what to do next.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorPage {
    pub kind: ErrorKind,
    /// The OAuth error code.
    pub error: String,
    /// Details for developers, in English as in all API errors. The template translates it.
    pub detail: Option<String>,
    /// The URL of the specification section behind the rejection.
    pub rule: Option<WebLink>,
    /// The request id, to find the request in the log.
    pub request_id: Option<String>,
    /// Where the error would be reported to a client that registered itself.
    pub return_to: Option<ReturnLink>,
    /// The redirect URIs that differ, if that is the error.
    pub redirect_uris: Option<RedirectUriComparison>,
}

/// The redirect URI of a request, and those with which it was compared.
#[derive(Clone, Debug, Serialize)]
pub struct RedirectUriComparison {
    pub sent: String,
    /// Empty, except on a server with test controls: they are the client's own business.
    pub registered: Vec<String>,
}

/// A link that the user may follow to a client that no operator has approved.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnLink {
    /// The host, or the whole redirect URI of a private-use scheme.
    pub host: String,
    pub href: String,
}

impl ErrorPage {
    pub fn new(kind: ErrorKind, error: OAuthError) -> Self {
        Self {
            kind,
            error: error.error.as_str().to_owned(),
            detail: error.error_description,
            rule: error.error_uri.as_deref().and_then(WebLink::parse),
            request_id: current_trace().map(|trace| trace.trace_id.to_string()),
            return_to: None,
            redirect_uris: None,
        }
    }
}

/// The errors with their own texts for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    UnknownClient,
    RedirectUri,
    /// An error of a client that registered itself, before the user has signed in.
    Client,
    InvalidRequest,
    Expired,
    /// A logout request whose redirect is not allowed.
    Logout,
    /// There is no page at this path, or it does not support this method.
    NotFound,
    /// The request body is too long, too slow or incomplete.
    UnreadableBody,
    /// The metadata of a client cannot be fetched at present.
    Unavailable,
    ServerError,
}

#[cfg(test)]
impl ErrorKind {
    pub const ALL: [Self; 10] = [
        Self::UnknownClient,
        Self::RedirectUri,
        Self::Client,
        Self::InvalidRequest,
        Self::Expired,
        Self::Logout,
        Self::NotFound,
        Self::UnreadableBody,
        Self::Unavailable,
        Self::ServerError,
    ];
}

impl View for ErrorPage {
    const TEMPLATE: &'static str = "error";
}
