use std::sync::Arc;

use oauth_types::OAuthError;

use crate::{
    domain::Client,
    oauth::authorize::{ResponseTarget, request_object::SingleUse},
    pages::ErrorKind,
};

/// Why an authorization request was rejected, and where the error is reported.
#[derive(Clone, Debug)]
pub enum AuthorizeError {
    /// The client or its redirect URI is not verified, so the user gets an error page and the
    /// browser is not redirected (RFC 6749 §4.1.2.1).
    Page(ErrorKind, OAuthError),
    /// The client gets the error through its redirect URI.
    Redirect(Box<ErrorRedirect>),
}

/// An error for the client.
#[derive(Clone, Debug)]
pub struct ErrorRedirect {
    pub client: Arc<Client>,
    pub to: ResponseTarget,
    pub error: OAuthError,
    /// The request object of the request, which the error uses up.
    pub single_use: Option<SingleUse>,
}
