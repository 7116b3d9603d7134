//! Whether a client gets an access token, and whether it has the expected claims.

mod compare;
mod error;

use oauth_types::{Scope, TokenResponse};
use url::Url;

use self::{
    compare::compare,
    error::{diagnose_client_error, diagnose_error},
};
use crate::{
    checks::Checks,
    client::{Client, ErrorResponse},
    connect_error::ConnectError,
    diagnosis::{Diagnosis, SettingNames},
    endpoint_setting::without_query,
    issuer::ConfirmedIssuer,
    keys::PublishedKeys,
};

/// A token request of a client.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// Name of the check, after the issuer's label.
    pub check: String,
    /// The requested scope.
    pub scope: &'a Scope,
    /// The requested resource (RFC 8707).
    pub resource: &'a str,
    /// The setting of the resource.
    pub resource_setting: String,
    /// Names of the client's settings.
    pub names: &'a SettingNames,
}

/// The redemption of an authorization code.
#[derive(Clone, Debug)]
pub struct CodeExchange<'a> {
    /// The client's redirect URI.
    pub redirect_uri: &'a str,
}

/// The reply of the token endpoint.
enum TokenReply {
    Granted(Box<TokenResponse>),
    Error(ErrorResponse),
    Invalid(u16),
}

/// The status of a rate limit. It says nothing about the client.
const TOO_MANY_REQUESTS: u16 = 429;

/// Obtains an access token as the client does, compares it with the request, and revokes it.
/// Returns whether the client was authenticated.
pub async fn check_token_request(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    request: &TokenRequest<'_>,
    keys: Option<&PublishedKeys>,
) -> bool {
    let Some(url) = known.resolve_endpoint(
        checks,
        &request.check,
        "token_endpoint",
        known.metadata.token_endpoint.as_deref(),
    ) else {
        return false;
    };
    let scope = request.scope.to_string();
    let mut form = vec![("grant_type", "client_credentials"), ("resource", request.resource)];
    if !request.scope.is_empty() {
        form.push(("scope", &scope));
    }
    let check = known.check(&request.check);
    match send(known, client, &url, &form).await {
        Err(error) => unreachable(checks, known, &check, &url, &error),
        Ok(TokenReply::Invalid(status)) => invalid_response(checks, known, &check, &url, status),
        Ok(TokenReply::Error(error)) if error.is_client_error() => {
            diagnose_client_error(checks, known, client, &check, (&url, &form), &error).await;
        }
        Ok(TokenReply::Error(error)) => {
            let (message, diagnosis) = diagnose_error(known, client, request, &error);
            checks.fail(check, message, diagnosis);
            return true;
        }
        Ok(TokenReply::Granted(granted)) => {
            compare(checks, known, request, &granted, keys);
            revoke_or_warn(checks, known, client, request, &granted).await;
            return true;
        }
    }
    false
}

/// Authenticates the client with a made-up authorization code. The response is `invalid_grant` if
/// the credentials are valid, otherwise `invalid_client` (RFC 6749 §5.2).
pub async fn check_code_exchange(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    request: &CodeExchange<'_>,
) {
    const CHECK: &str = "client";
    let Some(url) = known.resolve_endpoint(
        checks,
        CHECK,
        "token_endpoint",
        known.metadata.token_endpoint.as_deref(),
    ) else {
        return;
    };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "doctor-unknown-code"),
        ("redirect_uri", request.redirect_uri),
        // The example of RFC 7636 Appendix B.
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let check = known.check(CHECK);
    match send(known, client, &url, &form).await {
        Err(error) => unreachable(checks, known, &check, &url, &error),
        Ok(TokenReply::Error(error)) if error.is_client_error() => {
            diagnose_client_error(checks, known, client, &check, (&url, &form), &error).await;
        }
        Ok(TokenReply::Error(error)) if error.is("invalid_grant") => {
            checks.ok(check, format!("`{}` is authenticated", client.id));
        }
        Ok(TokenReply::Error(error)) => {
            let compared = "the issuer's response to a made-up code";
            let change = client
                .names
                .change("client_id", "check the registration of this client at the issuer");
            let diagnosis = Diagnosis::new(compared, "invalid_grant", error.summary(), change);
            checks.warn(check, "cannot determine whether the secret is valid", diagnosis);
        }
        Ok(TokenReply::Granted(_)) => invalid_response(checks, known, &check, &url, 200),
        Ok(TokenReply::Invalid(status)) => invalid_response(checks, known, &check, &url, status),
    }
}

async fn send(
    known: &ConfirmedIssuer,
    client: &Client,
    url: &Url,
    form: &[(&str, &str)],
) -> Result<TokenReply, ConnectError> {
    let mut form = form.to_vec();
    let authorization = client.authenticate(&mut form);
    let reply = known.probe.post(url, &form, authorization.as_deref()).await?;
    Ok(match reply.status {
        200 => serde_json::from_slice(&reply.body)
            .map_or(TokenReply::Invalid(200), |granted| TokenReply::Granted(Box::new(granted))),
        400..=499 if reply.status != TOO_MANY_REQUESTS => {
            TokenReply::Error(client.error_response(&reply))
        }
        status => TokenReply::Invalid(status),
    })
}

fn unreachable(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    check: &str,
    url: &Url,
    error: &ConnectError,
) {
    checks.fail(
        check,
        format!("not reachable: {}", error.summary()),
        known.diagnose_unreachable(url, error),
    );
}

fn invalid_response(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    check: &str,
    url: &Url,
    status: u16,
) {
    let compared =
        format!("the response from {} and RFC 6749 section 5", without_query(url.as_str()));
    let (advice, found) = match status {
        TOO_MANY_REQUESTS => (
            "wait a minute: there were too many failed attempts",
            "status 429: rate limited".to_owned(),
        ),
        status => (
            "see the log of the issuer, and check proxies in between",
            format!("status {status} with another body"),
        ),
    };
    let change = known.at.names.change("issuer", advice);
    checks.fail(
        check,
        "invalid token response",
        Diagnosis::new(compared, "a token or an OAuth error", found, change),
    );
}

/// Revokes the obtained token, so that it grants no access longer than necessary.
async fn revoke_or_warn(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    request: &TokenRequest<'_>,
    granted: &TokenResponse,
) {
    if !revoke(known, client, granted).await {
        checks.skip(known.check(&request.check), "the token could not be revoked; it will expire");
    }
}

async fn revoke(known: &ConfirmedIssuer, client: &Client, granted: &TokenResponse) -> bool {
    let endpoint = known
        .metadata
        .revocation_endpoint
        .as_deref()
        .and_then(|published| known.issuer.resolve_endpoint(published).ok());
    let Some(url) = endpoint else { return false };
    let mut form =
        vec![("token", granted.access_token.expose()), ("token_type_hint", "access_token")];
    let authorization = client.authenticate(&mut form);
    known
        .probe
        .post(&url, &form, authorization.as_deref())
        .await
        .is_ok_and(|reply| reply.status == 200)
}
