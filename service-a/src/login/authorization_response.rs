use oauth_types::{Form, printable};

use crate::{
    http::website_error::WebsiteError,
    providers::{CodeResponse, Provider},
    random_id::RandomId,
};

/// Maximum length of an error code of a provider that is displayed and logged, in characters.
const MAX_ERROR_CODE: usize = 60;

/// An authorization response, unverified (RFC 6749 §4.1.2).
pub struct AuthorizationResponse {
    /// `None` if the value is missing or has a format that A does not issue.
    pub state: Option<RandomId>,
    form: Form,
}

impl AuthorizationResponse {
    /// Parses a query or a form.
    ///
    /// # Errors
    /// Returns [`WebsiteError::InvalidResponse`] if a parameter is repeated (RFC 6749 §3.1): two
    /// parsers could read different values.
    pub fn parse(encoded: &[u8]) -> Result<Self, WebsiteError> {
        let form = Form::parse(encoded)
            .map_err(|error| WebsiteError::InvalidResponse(error.to_string()))?;
        Ok(Self { state: form.get("state").and_then(RandomId::parse), form })
    }

    /// Returns the issuer identifier in the response (RFC 9207).
    pub fn iss(&self) -> Option<&str> {
        self.form.get("iss")
    }

    /// Returns the authorization code.
    ///
    /// # Errors
    /// Returns [`WebsiteError::Cancelled`] or [`WebsiteError::ProviderReturnedError`] for an error
    /// response, [`WebsiteError::InvalidResponse`] if there is neither a code nor an error.
    pub fn code(&self, provider: &Provider) -> Result<CodeResponse, WebsiteError> {
        match (self.form.get("error"), self.form.get("code")) {
            (Some("access_denied" | "user_cancelled_authorize"), _) => Err(WebsiteError::Cancelled),
            (Some(error), _) => Err(WebsiteError::ProviderReturnedError(
                printable(error).chars().take(MAX_ERROR_CODE).collect(),
            )),
            (None, Some(code)) => Ok(CodeResponse {
                code: code.to_owned(),
                user: self.form.get("user").map(str::to_owned),
            }),
            (None, None) if provider.cancels_without_error() => Err(WebsiteError::Cancelled),
            (None, None) => Err(WebsiteError::InvalidResponse(
                "neither `code` nor `error` is present".to_owned(),
            )),
        }
    }
}
