//! The parameters that are validated once the client and its redirect URI are verified.

use oauth_types::{ErrorCode, Form, IdTokenClaims, Scope};

use super::{
    AUTHORIZE, PARAMETERS, RequestParser,
    openid::{check_claims, check_max_age, check_prompt},
    request_object::{check_signature, reject_unknown_request_uri},
};
use crate::{
    domain::{AllowedAccess, ClaimsParameter, Client, UserLoginConfig, authorize_user_scopes},
    oauth::authorize::{Prompt, ResponseMode},
};

/// Error code and description for the client, and the rule that is broken.
pub(super) type ParameterError = (ErrorCode, String, &'static str);

pub(super) struct ParsedRequest<'a> {
    pub(super) form: &'a Form,
    pub(super) duplicates: &'a [String],
    pub(super) client: &'a Client,
    pub(super) login: &'a UserLoginConfig,
    pub(super) response_mode: Option<ResponseMode>,
    /// Result of verifying the request object.
    pub(super) signature: Result<(), &'a str>,
    pub(super) is_signed: bool,
}

pub(super) struct ValidatedParameters {
    pub(super) allowed: AllowedAccess,
    pub(super) claims: ClaimsParameter,
    pub(super) code_challenge: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<i64>,
    pub(super) hint: Option<IdTokenClaims>,
}

impl RequestParser<'_> {
    /// Runs every check in order of precedence.
    pub(super) fn validate(
        &self,
        request: &ParsedRequest<'_>,
    ) -> Result<ValidatedParameters, ParameterError> {
        reject_duplicates(request)?;
        check_signature(request)?;
        self.check_signed(request)?;
        reject_unknown_request_uri(request)?;
        self.check_pushed(request)?;
        check_grant(request)?;
        check_response_type(request)?;
        check_response_mode(request)?;
        let code_challenge = self.check_pkce(request)?;
        let prompt = check_prompt(request)?;
        let max_age = check_max_age(request)?;
        let hint = self.check_id_token_hint(request)?;
        let claims = check_claims(request)?;
        let allowed = self.check_scope(request)?;
        Ok(ValidatedParameters { allowed, claims, code_challenge, prompt, max_age, hint })
    }

    fn check_scope(&self, request: &ParsedRequest<'_>) -> Result<AllowedAccess, ParameterError> {
        const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.3";
        let scope = request.form.get("scope").map(str::parse::<Scope>).transpose();
        let scope = scope.map_err(|error| parameter_error(ErrorCode::InvalidScope, error, RULE))?;
        let resources: Vec<&str> = request.form.all("resource").collect();
        let (client, registry) = (request.client, self.registry);
        authorize_user_scopes(client, registry, self.issuer, scope.as_ref(), &resources)
            .map_err(|error| (error.code(), error.to_string(), error.rule()))
    }
}

fn reject_duplicates(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    match request.duplicates.first() {
        Some(name) => {
            let text = format!("the parameter {name} was sent more than once");
            Err((ErrorCode::InvalidRequest, text, PARAMETERS))
        }
        None => Ok(()),
    }
}

/// Rejects a client that did not register the authorization code grant (RFC 7591 §2).
fn check_grant(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    if request.client.allows_grant_type("authorization_code") {
        return Ok(());
    }
    let text = "this client has not registered for the grant authorization_code".to_owned();
    Err((ErrorCode::UnauthorizedClient, text, "https://www.rfc-editor.org/rfc/rfc7591#section-2"))
}

fn check_response_type(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    match request.form.get("response_type") {
        Some("code") => Ok(()),
        None => Err((ErrorCode::InvalidRequest, "response_type is missing: send code".to_owned(), AUTHORIZE)),
        Some(_) => Err((
            ErrorCode::UnsupportedResponseType,
            "only response_type=code is supported: an access token in the redirect would stay in the browser's history"
                .to_owned(),
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
    }
}

fn check_response_mode(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    const RULE: &str =
        "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes";
    match request.response_mode {
        Some(_) => Ok(()),
        None => Err((
            ErrorCode::InvalidRequest,
            "the response_mode is not one of: query form_post".to_owned(),
            RULE,
        )),
    }
}

fn parameter_error(
    code: ErrorCode,
    error: impl std::fmt::Display,
    rule: &'static str,
) -> ParameterError {
    (code, error.to_string(), rule)
}
