use super::RegistrationContext;
use oauth_types::ErrorCode;

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
    let refuse = |why: &str| {
        let text = format!("the sector_identifier_uri cannot be used: {why}");
        ApiError::new(ErrorCode::InvalidClientMetadata, text, RULE).at("sector_identifier_uri")
    };
    let listed =
        context.outbound.json(uri, UrlTrust::Untrusted).await.map_err(|why| refuse(&why))?;
    let listed = listed.as_array().ok_or_else(|| refuse("what is there is no list"))?;
    let is_listed = |own: &String| listed.iter().any(|listed| listed == own);
    match login.redirect_uris.iter().find(|own| !is_listed(own)) {
        Some(_) => Err(refuse("its list does not hold all of the redirect_uris")),
        None => Ok(()),
    }
}
