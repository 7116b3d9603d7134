//! Why there is no token, and which setting would change that.

use oauth_types::ClientAuthMethod;
use url::Url;

use super::{Outcome, TokenRequest, ask, revoke};
use crate::{
    checks::Checks,
    client::{Client, ErrorResponse},
    diagnosis::{Change, Diagnosis},
    issuer::ConfirmedIssuer,
};

/// Is it the secret, or the way in which it is shown? The other way tells.
pub(super) async fn refused_client(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    check: &str,
    (url, form): (&Url, &[(&str, &str)]),
    refused: &ErrorResponse,
) {
    let offered = &known.metadata.token_endpoint_auth_methods_supported;
    let method = client.method;
    let other = match method {
        ClientAuthMethod::Post => ClientAuthMethod::Basic,
        ClientAuthMethod::Basic => ClientAuthMethod::Post,
    };
    let otherwise = Client { method: other, ..client.clone() };
    let taken = match ask(known, &otherwise, url, form).await {
        Ok(Outcome::Granted(granted)) => {
            revoke(known, &otherwise, &granted).await;
            true
        }
        Ok(Outcome::ErrorResponse(refused)) => !refused.is_about_the_client(),
        _ => false,
    };
    let not_offered = !offered.is_empty() && !offered.iter().any(|one| one == method.as_str());
    if taken || not_offered {
        let compared = format!("how `{}` shows its secret, and what the issuer takes", client.id);
        let expected = if taken { other.as_str().to_owned() } else { offered.join(", ") };
        let advice = "show it in that way";
        let change = match client.method_setting {
            Some(setting) => client.names.change(setting, advice),
            None => Change::elsewhere("register this way for the client at the issuer"),
        };
        let finding = Diagnosis::new(compared, expected, method.as_str(), change);
        return checks.fail(
            check,
            format!("the way of client authentication is wrong: {}", refused.code),
            finding,
        );
    }
    let compared = format!(
        "the id `{}` with its secret (not shown), and what the issuer has registered",
        client.id
    );
    let advice = "write the secret that the issuer has for this id, or set `client_secret_file` to a file with it; and compare `client_id`";
    let finding = Diagnosis::new(
        compared,
        "a client that is known, with its secret",
        refused.shown(),
        client.names.change("client_secret", advice),
    );
    checks.fail(
        check,
        format!("the issuer does not take `{}` with this secret", client.id),
        finding,
    );
}

/// The client is known, and does not get what it asks for.
pub(super) fn refused_need(
    known: &ConfirmedIssuer,
    client: &Client,
    need: &TokenRequest<'_>,
    refused: &ErrorResponse,
) -> (String, Diagnosis) {
    let shown = refused.shown();
    match refused.code.as_str() {
        "invalid_scope" => {
            let compared = format!(
                "the setting `{}` and the scopes of the issuer for `{}`",
                need.names.name("scope"),
                client.id
            );
            let expected = format!("some of: {}", known.scopes().join(" "));
            let change = need.names.change(
                "scope",
                "ask for what the issuer lets this client have, or have it registered there",
            );
            (shown, Diagnosis::new(compared, expected, need.scope.to_string(), change))
        }
        "invalid_target" => {
            let compared = format!(
                "the setting `{}` and the resources of the issuer for `{}`",
                need.names.name(&need.resource_setting),
                client.id
            );
            let advice = "write the identifier that B has and the issuer knows, to the byte, or have it registered there";
            (
                shown,
                Diagnosis::new(
                    compared,
                    "a resource that this client may ask for",
                    need.resource,
                    need.names.change(&need.resource_setting, advice),
                ),
            )
        }
        _ => {
            let compared = format!(
                "what the issuer lets `{}` do, and the grant client_credentials",
                client.id
            );
            let advice = "have this grant registered for the client, or use one that has it";
            (
                shown.clone(),
                Diagnosis::new(compared, "a token", shown, need.names.change("client_id", advice)),
            )
        }
    }
}
