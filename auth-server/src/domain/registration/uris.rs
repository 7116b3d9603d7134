use url::Url;

use super::{ClientMetadata, MetadataError, RegistrationPolicy, refused};
use crate::domain::{redirect_uri::has_authority, validate_external_url};

const MAX_LENGTH: usize = 2_000;

/// Checks the URLs that pages link to. The browser loads the logo, so it must use https.
pub(super) fn check_links(asked: &ClientMetadata) -> Result<(), MetadataError> {
    let own = [
        ("client_uri", &asked.client_uri),
        ("logo_uri", &asked.logo_uri),
        ("policy_uri", &asked.policy_uri),
        ("tos_uri", &asked.tos_uri),
    ];
    let own = own.into_iter().filter_map(|(name, link)| Some((name, link.as_deref()?)));
    let translated = asked.translations().filter(|(name, ..)| *name != "client_name");
    for (name, link) in own.chain(translated.map(|(name, _, link)| (name, link))) {
        let scheme = parse(link).map(|url| url.scheme().to_owned());
        let fits = match name {
            "logo_uri" => scheme.as_deref() == Some("https"),
            _ => matches!(scheme.as_deref(), Some("https" | "http")),
        };
        if !fits {
            return Err(refused(format!("{name} is not an https URL")));
        }
    }
    Ok(())
}

/// Checks the URLs that C fetches.
pub(super) fn check_called(
    asked: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<(), MetadataError> {
    if asked.jwks.is_some() && asked.jwks_uri.is_some() {
        return Err(refused("jwks and jwks_uri must not both be present (RFC 7591 section 2)"));
    }
    for (name, uri) in [
        ("jwks_uri", &asked.jwks_uri),
        ("sector_identifier_uri", &asked.sector_identifier_uri),
        ("backchannel_logout_uri", &asked.backchannel_logout_uri),
    ] {
        let Some(uri) = uri else { continue };
        let url = parse(uri).ok_or_else(|| refused(format!("{name} is not an https URL")))?;
        if url.fragment().is_some() {
            return Err(refused(format!("{name} has a fragment")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(format!("{name} contains a user name or a password")));
        }
        if let Err(problem) = validate_external_url(&url)
            && !policy.allow_private_urls
        {
            return Err(refused(format!("{name} {problem}")));
        }
    }
    Ok(())
}

/// Parses an http or https URL. Returns `None` if the parser would have to correct it.
fn parse(link: &str) -> Option<Url> {
    let plain = link.len() <= MAX_LENGTH
        && link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let url = Url::parse(link).ok().filter(|url| plain && has_authority(link, url))?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}
