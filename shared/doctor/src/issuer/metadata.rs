//! Is it the metadata of the issuer that is configured?

use oauth_types::AuthorizationServerMetadata;

use super::{IssuerConfig, MetadataLocation};
use crate::{
    checks::Checks, connect_error::bare, diagnosis::Diagnosis, http_probe::ProbeResponse,
    uri_difference::uri_difference,
};

pub(super) fn read_metadata(
    checks: &mut Checks,
    at: &IssuerConfig,
    url: &str,
    reply: &ProbeResponse,
) -> Option<AuthorizationServerMetadata> {
    let check = at.check("metadata");
    let metadata = match serde_json::from_slice::<AuthorizationServerMetadata>(&reply.body) {
        Ok(metadata) if reply.status == 200 => metadata,
        _ => {
            let (said, finding) = not_metadata(at, url, reply);
            checks.fail(check, said, finding);
            return None;
        }
    };
    if metadata.issuer == at.issuer {
        checks.ok(check, format!("it is of {}", metadata.issuer));
        return Some(metadata);
    }
    let compared = format!(
        "`issuer` in the metadata at {} and the setting `{}`, to the byte",
        bare(url),
        at.names.name("issuer")
    );
    let advice = format!(
        "write {}, everywhere the same; if that is a stranger, the address leads to another server",
        metadata.issuer
    );
    let said =
        format!("the two issuers differ in {}", uri_difference(&metadata.issuer, &at.issuer));
    checks.fail(
        check,
        said,
        Diagnosis::new(compared, &metadata.issuer, &at.issuer, at.names.change("issuer", advice)),
    );
    None
}

fn not_metadata(at: &IssuerConfig, url: &str, reply: &ProbeResponse) -> (String, Diagnosis) {
    let setting = if at.internal_url.is_some() { "internal_url" } else { "issuer" };
    let compared = format!("what answers at {} and the metadata of an issuer", bare(url));
    let expected = "status 200 and JSON with `issuer` (RFC 8414 section 2, OpenID Connect Discovery section 3)";
    let (said, advice) = match (reply.status, &reply.location) {
        (300..=399, Some(to)) => (
            format!("it redirects to {}, and no redirect is followed", place(to)),
            "write the address that it redirects to",
        ),
        (404, _) if at.metadata_location == MetadataLocation::OpenId => (
            "there is none".to_owned(),
            "write the issuer with its whole path, as its own documents have it; it has to know OpenID Connect",
        ),
        (404, _) => (
            "there is none".to_owned(),
            "write the issuer with its whole path, as its own documents have it",
        ),
        (200, _) if reply.is_html => (
            "it is a web page".to_owned(),
            "write the issuer's own address, not that of a page of it",
        ),
        (200, _) => (
            "it is not the JSON of an issuer".to_owned(),
            "name an address where an issuer answers",
        ),
        (status, _) => (format!("status {status}"), "look into the issuer's log"),
    };
    let found = format!(
        "status {}, {}",
        reply.status,
        if reply.is_html { "a web page" } else { "no such JSON" }
    );
    (said, Diagnosis::new(compared, expected, found, at.names.change(setting, advice)))
}

/// An address without its query, in which there may be anything.
fn place(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}
