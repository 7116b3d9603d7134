use oauth_types::is_loopback_url;
use url::Url;

use super::{ClientMetadata, MetadataError, RegistrationPolicy, invalid_metadata};
use crate::domain::{
    redirect_uri::{has_authority, has_uri_characters, has_user_info},
    validate_external_url,
};

const MAX_LENGTH: usize = 2_000;

/// Checks the URLs that pages link to. The browser loads the logo, so it must use https.
pub(super) fn check_links(metadata: &ClientMetadata) -> Result<(), MetadataError> {
    let own = [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ];
    let own = own.into_iter().filter_map(|(name, link)| Some((name, link.as_deref()?)));
    let translated = metadata.translations().filter(|(name, ..)| *name != "client_name");
    for (name, link) in own.chain(translated.map(|(name, _, link)| (name, link))) {
        let scheme = parse_web_url(link).map(|url| url.scheme().to_owned());
        let fits = match name {
            "logo_uri" => scheme.as_deref() == Some("https"),
            _ => matches!(scheme.as_deref(), Some("https" | "http")),
        };
        if !fits {
            return Err(invalid_metadata(format!("{name} is not an https URL")));
        }
    }
    Ok(())
}

/// Returns the URI where a third party starts a login. It must use https (OpenID Connect Dynamic
/// Client Registration §2). One at a loopback address is dropped, because libraries send it for
/// every website, also during development.
pub(super) fn initiate_login_uri(
    metadata: &ClientMetadata,
) -> Result<Option<String>, MetadataError> {
    let Some(uri) = &metadata.initiate_login_uri else { return Ok(None) };
    match parse_web_url(uri) {
        Some(url) if url.scheme() == "https" => Ok(Some(uri.clone())),
        Some(url) if is_loopback_url(&url) => Ok(None),
        _ => Err(invalid_metadata("initiate_login_uri is not an https URL")),
    }
}

/// Returns the URI that receives logout tokens. One in plain http at a loopback address is dropped,
/// because libraries send it for every website, also during development, and C could not call it.
pub(super) fn backchannel_logout_uri(
    metadata: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Option<String> {
    let uri = metadata.backchannel_logout_uri.as_ref()?;
    let is_dropped = parse_web_url(uri).is_some_and(|url| {
        url.scheme() == "http" && is_loopback_url(&url) && !policy.allow_private_urls
    });
    (!is_dropped).then(|| uri.clone())
}

/// Checks the URLs that C calls.
pub(super) fn check_called(
    metadata: &ClientMetadata,
    backchannel_logout_uri: Option<&String>,
    policy: &RegistrationPolicy,
) -> Result<(), MetadataError> {
    if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
        return Err(invalid_metadata(
            "jwks and jwks_uri must not both be present (RFC 7591 section 2)",
        ));
    }
    for (name, uri) in [
        ("jwks_uri", metadata.jwks_uri.as_ref()),
        ("sector_identifier_uri", metadata.sector_identifier_uri.as_ref()),
        ("backchannel_logout_uri", backchannel_logout_uri),
    ] {
        let Some(uri) = uri else { continue };
        let url = parse_web_url(uri)
            .ok_or_else(|| invalid_metadata(format!("{name} is not an https URL")))?;
        if url.fragment().is_some() {
            return Err(invalid_metadata(format!("{name} has a fragment")));
        }
        if let Err(problem) = validate_external_url(&url)
            && !policy.allow_private_urls
        {
            return Err(invalid_metadata(format!("{name} {problem}")));
        }
    }
    Ok(())
}

/// Parses an http or https URL without user information. Returns `None` if it is longer than 2,000
/// characters, or if the parser would have to correct it.
pub fn parse_web_url(link: &str) -> Option<Url> {
    let plain = link.len() <= MAX_LENGTH && has_uri_characters(link) && !has_user_info(link);
    let url = Url::parse(link).ok().filter(|url| plain && has_authority(link, url))?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}
