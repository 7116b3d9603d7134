use oauth_types::ErrorCode;

use super::{ClientMetadata, MetadataError, RegistrationPolicy, invalid_metadata};
use crate::domain::ApplicationType;

const MAX_URIS: usize = 20;

/// Returns the application type. A client with a redirect URI that only a native app can have is
/// one, even if it says `web`, the default of OpenID Connect Dynamic Client Registration §2 that
/// many native apps send or rely on.
pub(super) fn application_type(
    metadata: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<ApplicationType, MetadataError> {
    let fits = |uri: &str, application| policy.redirect_uris.validate(uri, application).is_ok();
    let is_of_app =
        |uri: &String| fits(uri, ApplicationType::Native) && !fits(uri, ApplicationType::Web);
    match metadata.application_type.as_deref() {
        None | Some("web") if metadata.redirect_uris.iter().flatten().any(is_of_app) => {
            Ok(ApplicationType::Native)
        }
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(_) => Err(invalid_metadata("application_type is not one of: web native")),
    }
}

pub(super) fn redirect_uris(
    metadata: &ClientMetadata,
    application: ApplicationType,
    grants: &[String],
    policy: &RegistrationPolicy,
) -> Result<Vec<String>, MetadataError> {
    let uris = metadata.redirect_uris.clone().unwrap_or_default();
    let invalid = |reason: String| MetadataError { code: ErrorCode::InvalidRedirectUri, reason };
    if uris.is_empty() && grants.iter().any(|grant| grant == "authorization_code") {
        return Err(invalid(
            "redirect_uris is missing: authorization_code requires at least one".to_owned(),
        ));
    }
    match problem(&uris, application, policy) {
        Some((uri, problem)) => Err(invalid(format!("redirect_uris: {uri} {problem}"))),
        None => Ok(uris),
    }
}

/// Returns the post-logout redirect URIs. The rules for redirect URIs apply.
pub(super) fn post_logout_redirect_uris(
    metadata: &ClientMetadata,
    application: ApplicationType,
    policy: &RegistrationPolicy,
) -> Result<Vec<String>, MetadataError> {
    let uris = metadata.post_logout_redirect_uris.clone().unwrap_or_default();
    match problem(&uris, application, policy) {
        Some((uri, problem)) => {
            Err(invalid_metadata(format!("post_logout_redirect_uris: {uri} {problem}")))
        }
        None => Ok(uris),
    }
}

fn problem<'a>(
    uris: &'a [String],
    application: ApplicationType,
    policy: &RegistrationPolicy,
) -> Option<(&'a str, &'static str)> {
    if uris.len() > MAX_URIS {
        return Some(("the list", "has more than 20 URIs"));
    }
    uris.iter().find_map(|uri| {
        let problem = policy.redirect_uris.validate(uri, application).err()?;
        Some((uri.as_str(), problem))
    })
}
