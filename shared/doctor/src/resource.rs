//! Whether the client's settings of a resource server match the metadata of that server (RFC 9728).

use oauth_types::{ProtectedResourceMetadata, Scope, same_resource, well_known_url};

use crate::{
    checks::Checks,
    connect_error::ConnectError,
    diagnosis::{Diagnosis, SettingNames},
    endpoint_setting::{EndpointSetting, without_query},
    http_probe::{HttpProbe, ProbeResponse},
    uri_difference::uri_difference,
};

const SUFFIX: &str = "oauth-protected-resource";

/// A resource server according to its client's settings.
#[derive(Clone, Debug)]
pub struct ResourceEndpoint<'a> {
    /// Prefix of the names of its checks.
    pub label: String,
    /// Its URL, and the setting of the URL.
    pub url: (&'a str, String),
    /// Its resource identifier, and the setting of the identifier.
    pub resource: (&'a str, String),
    /// The issuer of the client's access tokens.
    pub issuer: &'a str,
    /// The scope that the client requests.
    pub scope: &'a Scope,
    /// Names of the client's settings.
    pub names: &'a SettingNames,
}

/// Compares the client's settings with the resource server's metadata (RFC 9728).
pub async fn check_resource(
    checks: &mut Checks,
    probe: &HttpProbe,
    endpoint: &ResourceEndpoint<'_>,
) {
    let check = format!("{}: reached", endpoint.label);
    let (url, reply) = match fetch_metadata(probe, endpoint.url.0).await {
        Ok(fetched) => fetched,
        Err((url, error)) => {
            let advice =
                "start it, or correct the URL; in a container, localhost is the container itself"
                    .to_owned();
            let diagnosis = error.diagnose(
                &url,
                &EndpointSetting { names: endpoint.names, setting: &endpoint.url.1, advice },
            );
            return checks.fail(
                check,
                format!("not at {}: {}", endpoint.url.0, error.summary()),
                diagnosis,
            );
        }
    };
    checks.ok(check, endpoint.url.0);
    match serde_json::from_slice::<ProtectedResourceMetadata>(&reply.body) {
        Ok(metadata) if reply.status == 200 => compare(checks, endpoint, &url, &metadata),
        _ => checks.skip(
            format!("{}: audience", endpoint.label),
            format!(
                "status {} at {}: it has no metadata (RFC 9728) to compare",
                reply.status,
                without_query(&url)
            ),
        ),
    }
}

/// Fetches the metadata from the URL of RFC 9728 §3.1, or from below the path, where some servers
/// publish it.
async fn fetch_metadata(
    probe: &HttpProbe,
    base: &str,
) -> Result<(String, ProbeResponse), (String, ConnectError)> {
    let base = base.trim_end_matches('/');
    let (first, second) = (well_known_url(base, SUFFIX), format!("{base}/.well-known/{SUFFIX}"));
    let (url, reply) = get(probe, &first).await?;
    if reply.status == 404 && second != first {
        get(probe, &second).await
    } else {
        Ok((url, reply))
    }
}

async fn get(
    probe: &HttpProbe,
    url: &str,
) -> Result<(String, ProbeResponse), (String, ConnectError)> {
    probe
        .get(url)
        .await
        .map(|reply| (url.to_owned(), reply))
        .map_err(|error| (url.to_owned(), error))
}

fn compare(
    checks: &mut Checks,
    endpoint: &ResourceEndpoint<'_>,
    url: &str,
    metadata: &ProtectedResourceMetadata,
) {
    let check = |what: &str| format!("{}: {what}", endpoint.label);
    let at = without_query(url);
    let (identifier, setting) = &endpoint.resource;
    if same_resource(&metadata.resource, identifier) {
        checks.ok(check("audience"), identifier);
    } else {
        let compared = format!(
            "the setting `{}` and `resource` at {at}, exactly",
            endpoint.names.name(setting)
        );
        let advice = format!("use {}, or change `resource` of B", metadata.resource);
        let diagnosis = Diagnosis::new(
            compared,
            &metadata.resource,
            identifier,
            endpoint.names.change(setting, advice),
        );
        checks.fail(
            check("audience"),
            format!("they differ in {}", uri_difference(&metadata.resource, identifier)),
            diagnosis,
        );
    }
    if !metadata.authorization_servers.is_empty()
        && !metadata.authorization_servers.iter().any(|one| one == endpoint.issuer)
    {
        let compared = format!(
            "the setting `{}` and `authorization_servers` at {at}, exactly",
            endpoint.names.name("issuer")
        );
        let theirs = metadata.authorization_servers.join(", ");
        let nearest = metadata.authorization_servers.first().map_or("", String::as_str);
        let message = format!("they differ in {}", uri_difference(nearest, endpoint.issuer));
        let change = endpoint
            .names
            .change("issuer", "use the same issuer as B: B rejects tokens of any other");
        checks.fail(
            check("issuer"),
            message,
            Diagnosis::new(compared, theirs, endpoint.issuer, change),
        );
    } else {
        checks.ok(check("issuer"), endpoint.issuer);
    }
    let unknown =
        endpoint.scope.filtered(|one| !metadata.scopes_supported.iter().any(|known| known == one));
    if metadata.scopes_supported.is_empty() || unknown.is_empty() {
        checks.ok(check("scope"), endpoint.scope.to_string());
    } else {
        let compared = format!(
            "the setting `{}` and `scopes_supported` at {at}",
            endpoint.names.name("scope")
        );
        let change = endpoint
            .names
            .change("scope", "request scopes that B uses; others grant nothing there");
        let diagnosis = Diagnosis::new(
            compared,
            metadata.scopes_supported.join(" "),
            endpoint.scope.to_string(),
            change,
        );
        checks.warn(check("scope"), format!("B does not know: {unknown}"), diagnosis);
    }
}
