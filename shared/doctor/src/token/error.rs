//! Diagnoses of error responses from the token endpoint.

use oauth_types::ClientAuthMethod;
use url::Url;

use super::{TokenReply, TokenRequest, revoke, send};
use crate::{
    checks::Checks,
    client::{Client, ErrorResponse},
    diagnosis::{Change, Diagnosis},
    issuer::ConfirmedIssuer,
};

/// Distinguishes a wrong secret from a wrong authentication method by trying the other method.
pub(super) async fn diagnose_client_error(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    check: &str,
    (url, form): (&Url, &[(&str, &str)]),
    error: &ErrorResponse,
) {
    let supported = &known.metadata.token_endpoint_auth_methods_supported;
    let method = client.method;
    let other = match method {
        ClientAuthMethod::Post => ClientAuthMethod::Basic,
        ClientAuthMethod::Basic => ClientAuthMethod::Post,
    };
    let with_other_method = Client { method: other, ..client.clone() };
    let accepted = match send(known, &with_other_method, url, form).await {
        Ok(TokenReply::Granted(granted)) => {
            revoke(known, &with_other_method, &granted).await;
            true
        }
        Ok(TokenReply::Error(error)) => !error.is_client_error(),
        _ => false,
    };
    let unsupported = !supported.is_empty() && !supported.iter().any(|one| one == method.as_str());
    if accepted || unsupported {
        let compared =
            format!("the authentication method of `{}` and those of the issuer", client.id);
        let expected = if accepted { other.as_str().to_owned() } else { supported.join(", ") };
        let advice = "use this method";
        let change = match client.method_setting {
            Some(setting) => client.names.change(setting, advice),
            None => Change::elsewhere("register this method for the client at the issuer"),
        };
        let diagnosis = Diagnosis::new(compared, expected, method.as_str(), change);
        return checks.fail(
            check,
            format!("wrong client authentication method: {}", error.code),
            diagnosis,
        );
    }
    let compared = format!(
        "the id `{}` with its secret (not printed), and its registration at the issuer",
        client.id
    );
    let advice = "use the secret that is registered for this client, here or in the file of `client_secret_file`, and compare `client_id`";
    let diagnosis = Diagnosis::new(
        compared,
        "a registered client with its secret",
        error.summary(),
        client.names.change("client_secret", advice),
    );
    checks.fail(check, format!("the issuer rejects `{}` with this secret", client.id), diagnosis);
}

/// Diagnoses an error for an authenticated client. Returns the message of the check as well.
pub(super) fn diagnose_error(
    known: &ConfirmedIssuer,
    client: &Client,
    request: &TokenRequest<'_>,
    error: &ErrorResponse,
) -> (String, Diagnosis) {
    let summary = error.summary();
    match error.code.as_str() {
        "invalid_scope" => {
            let compared = format!(
                "the setting `{}` and the scopes that the issuer allows `{}`",
                request.names.name("scope"),
                client.id
            );
            let expected = format!("some of: {}", known.scopes().join(" "));
            let change = request.names.change(
                "scope",
                "request only scopes that this client is registered for, or register the others",
            );
            (summary, Diagnosis::new(compared, expected, request.scope.to_string(), change))
        }
        "invalid_target" => {
            let compared = format!(
                "the setting `{}` and the resources that the issuer allows `{}`",
                request.names.name(&request.resource_setting),
                client.id
            );
            let advice = "use the exact resource identifier of B that the issuer has registered, or register it there";
            (
                summary,
                Diagnosis::new(
                    compared,
                    "a resource that this client may request",
                    request.resource,
                    request.names.change(&request.resource_setting, advice),
                ),
            )
        }
        _ => {
            let compared =
                format!("the grants of `{}` at the issuer, and client_credentials", client.id);
            let advice = "register this grant for the client, or use a client that has it";
            (
                summary.clone(),
                Diagnosis::new(
                    compared,
                    "a token",
                    summary,
                    request.names.change("client_id", advice),
                ),
            )
        }
    }
}
