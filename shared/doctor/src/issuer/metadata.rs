//! Whether the metadata is that of the configured issuer.

use oauth_types::AuthorizationServerMetadata;

use super::{IssuerConfig, MetadataLocation};
use crate::{
    checks::Checks, diagnosis::Diagnosis, endpoint_setting::without_query,
    http_probe::ProbeResponse, uri_difference::uri_difference,
};

pub(super) fn read_metadata(
    checks: &mut Checks,
    at: &IssuerConfig,
    setting: &'static str,
    url: &str,
    reply: &ProbeResponse,
) -> Option<AuthorizationServerMetadata> {
    let check = at.check("metadata");
    let metadata = match serde_json::from_slice::<AuthorizationServerMetadata>(&reply.body) {
        Ok(metadata) if reply.status == 200 => metadata,
        _ => {
            let (message, diagnosis) = not_metadata(at, setting, url, reply);
            checks.fail(check, message, diagnosis);
            return None;
        }
    };
    if metadata.issuer == at.issuer {
        checks.ok(check, format!("issuer {}", metadata.issuer));
        return Some(metadata);
    }
    let compared = format!(
        "`issuer` in the metadata at {} and the setting `{}`, exactly",
        without_query(url),
        at.names.name("issuer")
    );
    let advice = format!(
        "use {} in all settings; if that is a different issuer, the address leads to the wrong server",
        metadata.issuer
    );
    let message = format!("the issuers differ in {}", uri_difference(&metadata.issuer, &at.issuer));
    checks.fail(
        check,
        message,
        Diagnosis::new(compared, &metadata.issuer, &at.issuer, at.names.change("issuer", advice)),
    );
    None
}

fn not_metadata(
    at: &IssuerConfig,
    setting: &'static str,
    url: &str,
    reply: &ProbeResponse,
) -> (String, Diagnosis) {
    let compared =
        format!("the response from {} and the metadata of an issuer", without_query(url));
    let expected = "status 200 and JSON with `issuer` (RFC 8414 section 2, OpenID Connect Discovery section 3)";
    let (message, advice) = match (reply.status, &reply.location) {
        (300..=399, Some(to)) => (
            format!("it redirects to {}; redirects are not followed", without_query(to)),
            "use the address that it redirects to",
        ),
        (404, _) if at.metadata_location == MetadataLocation::OpenId => (
            "there is no metadata".to_owned(),
            "use the issuer with its whole path, as in its documentation; it must support OpenID Connect Discovery",
        ),
        (404, _) => (
            "there is no metadata".to_owned(),
            "use the issuer with its whole path, as in its documentation",
        ),
        (200, _) if reply.is_html => {
            ("it is a web page".to_owned(), "use the address of the issuer, not that of a page")
        }
        (200, _) => ("it is not issuer metadata".to_owned(), "use the address of an issuer"),
        (status, _) => (format!("status {status}"), "see the log of the issuer"),
    };
    let found = format!(
        "status {}, {}",
        reply.status,
        if reply.is_html { "a web page" } else { "not issuer metadata" }
    );
    (message, Diagnosis::new(compared, expected, found, at.names.change(setting, advice)))
}
