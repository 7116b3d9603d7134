use oauth_types::ErrorCode;

use super::{ClientMetadata, MetadataError, refused};
use crate::domain::{ApplicationType, validate_redirect_uri};

const MAX_URIS: usize = 20;

pub(super) fn application_type(asked: &ClientMetadata) -> Result<ApplicationType, MetadataError> {
    match asked.application_type.as_deref() {
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(_) => Err(refused("application_type is not one of: web native")),
    }
}

pub(super) fn redirect_uris(
    asked: &ClientMetadata,
    application: ApplicationType,
    grants: &[String],
) -> Result<Vec<String>, MetadataError> {
    let uris = asked.redirect_uris.clone().unwrap_or_default();
    let invalid = |reason: String| MetadataError { code: ErrorCode::InvalidRedirectUri, reason };
    if uris.is_empty() && grants.iter().any(|grant| grant == "authorization_code") {
        return Err(invalid(
            "redirect_uris is missing: authorization_code requires at least one".to_owned(),
        ));
    }
    match problem(&uris, application) {
        Some((uri, problem)) => Err(invalid(format!("redirect_uris: {uri} {problem}"))),
        None => Ok(uris),
    }
}

/// Returns the post-logout redirect URIs. The rules for redirect URIs apply.
pub(super) fn post_logout_redirect_uris(
    asked: &ClientMetadata,
    application: ApplicationType,
) -> Result<Vec<String>, MetadataError> {
    let uris = asked.post_logout_redirect_uris.clone().unwrap_or_default();
    match problem(&uris, application) {
        Some((uri, problem)) => Err(refused(format!("post_logout_redirect_uris: {uri} {problem}"))),
        None => Ok(uris),
    }
}

fn problem(uris: &[String], application: ApplicationType) -> Option<(&str, &'static str)> {
    if uris.len() > MAX_URIS {
        return Some(("the list", "has more than 20 URIs"));
    }
    uris.iter().find_map(|uri| {
        let problem = validate_redirect_uri(uri, application).err()?;
        Some((uri.as_str(), problem))
    })
}
