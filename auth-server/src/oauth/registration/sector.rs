use oauth_types::ErrorCode;

use super::RegistrationContext;
use crate::{domain::UserLoginConfig, http::ApiError, outbound::UrlTrust};

const RULE: &str =
    "https://openid.net/specs/openid-connect-registration-1_0.html#SectorIdentifierValidation";

/// Checks that the `sector_identifier_uri` lists all redirect URIs of the client. Otherwise a
/// client could claim the sector of another one and learn its pairwise subjects.
pub(super) async fn check(
    context: &RegistrationContext,
    login: &UserLoginConfig,
) -> Result<(), ApiError> {
    let Some(uri) = &login.sector_identifier_uri else { return Ok(()) };
    let invalid = |reason: &str| {
        let text = format!("the sector_identifier_uri cannot be used: {reason}");
        ApiError::new(ErrorCode::InvalidClientMetadata, text, RULE).at("sector_identifier_uri")
    };
    let listed = context.outbound.json(uri, UrlTrust::Untrusted).await.map_err(|error| {
        tracing::debug!(reason = error.log_reason(), "failed to fetch a sector identifier");
        invalid(&error.to_string())
    })?;
    let listed = listed.as_array().ok_or_else(|| invalid("the response is not a JSON array"))?;
    let is_listed = |own: &String| listed.iter().any(|listed| listed == own);
    match login.redirect_uris.iter().find(|own| !is_listed(own)) {
        Some(_) => Err(invalid("it does not list every one of the redirect_uris")),
        None => Ok(()),
    }
}
