//! The parameters of OpenID Connect.

use oauth_types::{ErrorCode, IdTokenClaims};

use super::{
    RequestParser,
    parameters::{ParameterError, ParsedRequest},
};
use crate::{
    domain::ClaimsParameter,
    oauth::authorize::Prompt,
    tokens::{ACR, decode_id_token_hint},
};

const PROMPT: &str = "https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest";

impl RequestParser<'_> {
    /// Decodes the `id_token_hint`. Expired ID tokens of this server are accepted (OpenID Connect
    /// Core §3.1.2.1).
    pub(super) fn check_id_token_hint(
        &self,
        request: &ParsedRequest<'_>,
    ) -> Result<Option<IdTokenClaims>, ParameterError> {
        let Some(hint) = request.form.get("id_token_hint") else { return Ok(None) };
        let hinted = decode_id_token_hint(hint, self.ring, self.issuer).ok_or_else(|| {
            (
                ErrorCode::InvalidRequest,
                "the id_token_hint is not an ID token of this server".to_owned(),
                PROMPT,
            )
        })?;
        Ok(Some(hinted))
    }
}

pub(super) fn check_prompt(request: &ParsedRequest<'_>) -> Result<Prompt, ParameterError> {
    let prompt = request.form.get("prompt").map(Prompt::parse).unwrap_or_default();
    if prompt.contradicts_itself() {
        return Err((
            ErrorCode::InvalidRequest,
            "prompt=none cannot be combined with another prompt".to_owned(),
            PROMPT,
        ));
    }
    Ok(prompt)
}

pub(super) fn check_max_age(request: &ParsedRequest<'_>) -> Result<Option<i64>, ParameterError> {
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parse = |text: &str| Some(text).filter(is_number)?.parse::<i64>().ok();
    match request.form.get("max_age").map(parse) {
        Some(None) => Err((
            ErrorCode::InvalidRequest,
            "max_age is not a number of seconds".to_owned(),
            PROMPT,
        )),
        Some(seconds) => Ok(seconds),
        None => Ok(None),
    }
}

/// Parses the `claims` parameter. An essential `acr` that C does not reach fails the request
/// (OpenID Connect Core §5.5.1.1).
pub(super) fn check_claims(request: &ParsedRequest<'_>) -> Result<ClaimsParameter, ParameterError> {
    const RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter";
    const ACR_RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics";
    let Some(text) = request.form.get("claims") else { return Ok(ClaimsParameter::default()) };
    let claims = ClaimsParameter::parse(text)
        .map_err(|problem| (ErrorCode::InvalidRequest, problem.to_owned(), RULE))?;
    if claims.essential_acr.as_ref().is_some_and(|values| values.iter().all(|acr| acr != ACR)) {
        let text = format!("claims: the essential acr cannot be met; this server has only {ACR}");
        return Err((ErrorCode::AccessDenied, text, ACR_RULE));
    }
    Ok(ClaimsParameter { requested: claims.requested.narrowed_to(request.client), ..claims })
}
