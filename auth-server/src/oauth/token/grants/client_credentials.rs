use oauth_types::{ErrorCode, Scope, ScopeError};

use super::{GrantOutcome, TokenRequest};
use crate::{
    domain::{GrantError, authorize_scopes},
    http::ApiError,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.4";

/// Grants a client access on its own behalf (RFC 6749 §4.4).
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let client = request.client;
    if client.is_public() {
        return Err(ApiError::new(
            ErrorCode::UnauthorizedClient,
            "a public client cannot use client_credentials, because it has no secret",
            RULE,
        ));
    }
    let scope = request.form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = request.form.all("resource").collect();
    let granted = authorize_scopes(client, request.registry, scope.as_ref(), &resources)?;
    Ok(GrantOutcome { sub: client.client_id.clone(), granted, user: None, exchanged: None })
}

impl From<ScopeError> for ApiError {
    fn from(error: ScopeError) -> Self {
        Self::new(
            ErrorCode::InvalidScope,
            error.to_string(),
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.3",
        )
    }
}

impl From<GrantError> for ApiError {
    fn from(error: GrantError) -> Self {
        Self::new(error.code(), error.to_string(), error.rule())
    }
}
