//! Whether this process reaches the issuer, and whether browsers can.

use oauth_types::is_loopback_url;
use oauth_types::{AuthorizationServerMetadata, Issuer};
use url::Url;

use super::{IssuerConfig, MetadataLocation, ReachedBy};
use crate::{
    checks::Checks,
    connect_error::ConnectError,
    diagnosis::Diagnosis,
    endpoint_setting::{EndpointSetting, without_query},
    http_probe::{HttpProbe, ProbeResponse},
};

/// A response and its URL.
pub(super) struct MetadataResponse {
    pub(super) url: String,
    pub(super) reply: ProbeResponse,
}

pub(super) type FetchResult = Result<MetadataResponse, (String, ConnectError)>;

/// Fetches the metadata from where the server itself looks for it.
pub(super) async fn fetch(
    probe: &HttpProbe,
    issuer: &Issuer,
    metadata_location: MetadataLocation,
) -> FetchResult {
    let [oauth, openid] = issuer.metadata_urls();
    let first = match metadata_location {
        MetadataLocation::OAuthOrOpenId => get(probe, &oauth).await,
        MetadataLocation::OpenId => return get(probe, &openid).await,
    };
    match first {
        Ok(MetadataResponse { reply: ProbeResponse { status: 404, .. }, .. }) => {
            get(probe, &openid).await
        }
        other => other,
    }
}

async fn get(probe: &HttpProbe, url: &str) -> FetchResult {
    match probe.get(url).await {
        Ok(reply) => Ok(MetadataResponse { url: url.to_owned(), reply }),
        Err(error) => Err((url.to_owned(), error)),
    }
}

/// Checks that the issuer is reachable at the URL for this process and at its identifier.
pub(super) fn check_reach(
    checks: &mut Checks,
    at: &IssuerConfig,
    setting: &'static str,
    internal: FetchResult,
    public: Option<FetchResult>,
) -> Option<MetadataResponse> {
    let check = at.check("reached");
    let outcome = match (internal, &public) {
        (Ok(outcome), _) => {
            checks.ok(check, without_query(&outcome.url));
            Some(outcome)
        }
        (Err((url, error)), Some(Ok(_))) if setting == "internal_url" => {
            let compared = format!(
                "the settings `{}` and `{}`",
                at.names.name("internal_url"),
                at.names.name("issuer")
            );
            let advice = "remove it, as the issuer is reachable at its identifier; or correct it";
            let diagnosis = match &error {
                error if error.is_untrusted_certificate() => {
                    error.diagnose(&url, &endpoint_setting(at, setting))
                }
                error => Diagnosis::new(
                    compared,
                    "a response at both",
                    error.summary(),
                    at.names.change("internal_url", advice),
                ),
            };
            checks.fail(
                check,
                format!("not at {}: {}", without_query(&url), error.summary()),
                diagnosis,
            );
            None
        }
        (Err((url, error)), _) => {
            checks.fail(
                check,
                format!("not at {}: {}", without_query(&url), error.summary()),
                error.diagnose(&url, &endpoint_setting(at, setting)),
            );
            None
        }
    };
    check_public_url(checks, at, public);
    outcome
}

fn endpoint_setting<'a>(at: &'a IssuerConfig, setting: &'static str) -> EndpointSetting<'a> {
    let value = at.internal_url.as_ref().unwrap_or(&at.issuer);
    let loopback = Url::parse(value).is_ok_and(|url| is_loopback_url(&url));
    let advice = match (loopback, &at.internal_url) {
        _ if !["issuer", "internal_url"].contains(&setting) => {
            "start the server, or run the doctor with the settings of the running one"
        }
        (true, None) => {
            "start the issuer; in a container, localhost is the container itself: set `internal_url` to the URL of the issuer from there, and keep `issuer`"
        }
        (true, Some(_)) => {
            "start the issuer; in a container, localhost is the container itself: use the host name of the issuer from there"
        }
        (false, _) => "start the issuer, or correct host and port",
    };
    EndpointSetting { names: &at.names, setting, advice: advice.to_owned() }
}

/// Checks what browsers will reach. They may be in another network, so suspicious results are
/// warnings.
fn check_public_url(checks: &mut Checks, at: &IssuerConfig, result: Option<FetchResult>) {
    if at.reached_by == ReachedBy::ThisProcess {
        return;
    }
    let check = at.check("browsers");
    let Ok(public) = Url::parse(&at.issuer) else { return };
    if let Some(host) =
        public.domain().filter(|host| !host.contains('.') && !is_loopback_url(&public))
    {
        let compared = format!(
            "the host of `{}` and host names that browsers can resolve",
            at.names.name("issuer")
        );
        let advice = "use a host name that browsers can resolve, the same in all settings; set `internal_url` to the URL for this process";
        let diagnosis = Diagnosis::new(
            compared,
            "a public host name or localhost",
            host,
            at.names.change("issuer", advice),
        );
        return checks.warn(
            check,
            format!("`{host}` looks like a host name of this network only"),
            diagnosis,
        );
    }
    match result {
        None => checks.ok(check, "they use the same URL as this process"),
        Some(Ok(MetadataResponse { url, reply })) => check_same_issuer(checks, at, &url, &reply),
        Some(Err((url, error))) if error.is_untrusted_certificate() => {
            checks.ok(
                check,
                format!(
                    "{} responds, with a certificate that browsers may or may not trust",
                    without_query(&url)
                ),
            );
        }
        Some(Err(_)) if is_loopback_url(&public) => {
            checks.ok(
                check,
                format!(
                    "{} is reachable from browsers only, as expected in a container",
                    at.issuer
                ),
            );
        }
        Some(Err((url, error))) => {
            let compared = format!("{} and the result of this process there", without_query(&url));
            let advice = "open it in a browser: if that fails too, no user can log in";
            let diagnosis = Diagnosis::new(
                compared,
                "a response, unless browsers are in another network",
                error.summary(),
                at.names.change("issuer", advice),
            );
            checks.warn(check, "the issuer identifier is not reachable from here", diagnosis);
        }
    }
}

/// Checks that both URLs lead to the same issuer.
fn check_same_issuer(checks: &mut Checks, at: &IssuerConfig, url: &str, reply: &ProbeResponse) {
    let check = at.check("browsers");
    let named = serde_json::from_slice::<AuthorizationServerMetadata>(&reply.body)
        .ok()
        .map(|metadata| metadata.issuer);
    match named.filter(|_| reply.status == 200) {
        Some(name) if name == at.issuer => {
            checks.ok(check, format!("{} is the same issuer", without_query(url)));
        }
        found => {
            let compared = format!(
                "the response from {} and the setting `{}`",
                without_query(url),
                at.names.name("issuer")
            );
            let found =
                found.unwrap_or_else(|| format!("status {} without metadata", reply.status));
            let change =
                at.names.change("issuer", "browsers and this process must reach the same issuer");
            checks.fail(
                check,
                "browsers reach another server",
                Diagnosis::new(compared, &at.issuer, found, change),
            );
        }
    }
}
