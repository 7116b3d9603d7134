//! Whether a resource server may use the introspection endpoint (RFC 7662).

use oauth_types::{IntrospectionResponse, parse_endpoint_url};
use url::Url;

use crate::{
    checks::Checks,
    client::Client,
    connect_error::ConnectError,
    diagnosis::{Diagnosis, SettingNames},
    endpoint_setting::{EndpointSetting, without_query},
    http_probe::HttpProbe,
    issuer::{ConfirmedIssuer, IssuerConfig},
};

const CHECK: &str = "introspection";

/// A made-up token. The correct response is that it is not active.
const UNKNOWN_TOKEN: &str = "doctor-unknown-token";

/// Introspects a made-up token at the endpoint of the metadata, with the client's credentials.
/// `setting` is the setting of the endpoint, for metadata without one.
pub async fn check_introspection(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    setting: (&SettingNames, &str),
) {
    let Some(published) = known.metadata.introspection_endpoint.as_deref() else {
        let (names, setting) = setting;
        let compared =
            format!("`introspection_endpoint` in the metadata of {}", known.issuer.identifier());
        let advice = "set it to the endpoint in the issuer's documentation; some issuers leave it out of their metadata";
        let diagnosis = Diagnosis::new(compared, "a URL", "none", names.change(setting, advice));
        return checks.fail(
            known.check(CHECK),
            "the metadata has no introspection endpoint",
            diagnosis,
        );
    };
    let name = "introspection_endpoint";
    let Some(url) = known.resolve_endpoint(checks, CHECK, name, Some(published)) else { return };
    introspect(checks, &known.at, &known.probe, &url, client, |error| {
        known.diagnose_unreachable(&url, error)
    })
    .await;
}

/// Introspects a made-up token at the endpoint of the setting. The metadata is not needed for that.
pub async fn check_introspection_endpoint(
    checks: &mut Checks,
    at: &IssuerConfig,
    probe: &HttpProbe,
    client: &Client,
    (url, (names, setting)): (&str, (&SettingNames, &str)),
) {
    let endpoint = match parse_endpoint_url(url) {
        Ok(endpoint) => endpoint,
        Err(problem) => {
            let compared = format!("the setting `{}`, and a URL", names.name(setting));
            let change = names.change(setting, "use an absolute URL");
            let diagnosis = Diagnosis::new(compared, "https://host/path", problem, change);
            return checks.fail(at.check(CHECK), "the endpoint is not a URL", diagnosis);
        }
    };
    introspect(checks, at, probe, &endpoint, client, |error| {
        let advice = "start the issuer, or correct the URL".to_owned();
        error.diagnose(url, &EndpointSetting { names, setting, advice })
    })
    .await;
}

async fn introspect(
    checks: &mut Checks,
    at: &IssuerConfig,
    probe: &HttpProbe,
    url: &Url,
    client: &Client,
    diagnose_unreachable: impl FnOnce(&ConnectError) -> Diagnosis,
) {
    let check = at.check(CHECK);
    let mut form = vec![("token", UNKNOWN_TOKEN), ("token_type_hint", "access_token")];
    let authorization = client.authenticate(&mut form);
    let reply = match probe.post(url, &form, authorization.as_deref()).await {
        Ok(reply) => reply,
        Err(error) => {
            let diagnosis = diagnose_unreachable(&error);
            return checks.fail(check, format!("not reachable: {}", error.summary()), diagnosis);
        }
    };
    if matches!(reply.status, 401 | 403) || client.error_response(&reply).is("invalid_client") {
        let compared = format!(
            "the id `{}` with its secret (not printed), and its registration at the issuer",
            client.id
        );
        let advice = "use the secret that is registered for this client, here or in the file of `client_secret_file`, and compare `client_id`";
        let change = client.names.change("client_secret", advice);
        let diagnosis = Diagnosis::new(
            compared,
            "a registered client with its secret",
            client.error_response(&reply).summary(),
            change,
        );
        return checks.fail(check, format!("the issuer rejects `{}`", client.id), diagnosis);
    }
    match serde_json::from_slice::<IntrospectionResponse>(&reply.body) {
        Ok(IntrospectionResponse { active: false, .. }) if reply.status == 200 => {
            checks.ok(check, format!("`{}` may introspect tokens", client.id));
        }
        response => {
            let compared =
                format!("the response from {} about a made-up token", without_query(url.as_str()));
            let found = match response {
                Ok(IntrospectionResponse { active: true, .. }) => {
                    "active: it reports every token as active".to_owned()
                }
                _ => format!("status {} without introspection JSON", reply.status),
            };
            let change = at
                .names
                .change("issuer", "see the log of the issuer, and check proxies in between");
            let diagnosis = Diagnosis::new(
                compared,
                "status 200 and {\"active\":false} (RFC 7662 section 2.2)",
                found,
                change,
            );
            checks.fail(check, "invalid introspection response", diagnosis);
        }
    }
}
