//! Whether a resource server may use the introspection endpoint (RFC 7662).

use oauth_types::IntrospectionResponse;

use crate::{
    checks::Checks, client::Client, diagnosis::Diagnosis, endpoint_setting::without_query,
    issuer::ConfirmedIssuer,
};

/// A made-up token. The correct response is that it is not active.
const UNKNOWN_TOKEN: &str = "doctor-unknown-token";

/// Introspects a made-up token with the client's credentials.
pub async fn check_introspection(checks: &mut Checks, known: &ConfirmedIssuer, client: &Client) {
    const CHECK: &str = "introspection";
    let published = known.metadata.introspection_endpoint.as_deref();
    let Some(url) = known.resolve_endpoint(checks, CHECK, "introspection_endpoint", published)
    else {
        return;
    };
    let check = known.check(CHECK);
    let mut form = vec![("token", UNKNOWN_TOKEN), ("token_type_hint", "access_token")];
    let authorization = client.authenticate(&mut form);
    let reply = match known.probe.post(&url, &form, authorization.as_deref()).await {
        Ok(reply) => reply,
        Err(error) => {
            let diagnosis = known.diagnose_unreachable(&url, &error);
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
            let change = known
                .at
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
