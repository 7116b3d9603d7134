//! Can a client get a token, and is it the right one?

mod compare;
mod error;

use oauth_types::{Scope, TokenResponse};
use url::Url;

use self::{
    compare::compare,
    error::{refused_client, refused_need},
};
use crate::{
    checks::Checks,
    client::{Client, ErrorResponse},
    connect_error::{ConnectError, bare},
    diagnosis::{Diagnosis, SettingNames},
    issuer::ConfirmedIssuer,
    keys::PublishedKeys,
};

/// What a client needs a token for.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// How the check is called behind the issuer's label.
    pub check: String,
    /// What is asked for.
    pub scope: &'a Scope,
    /// For whom (RFC 8707).
    pub resource: &'a str,
    /// The setting that names the resource.
    pub resource_setting: String,
    /// Whose settings.
    pub names: &'a SettingNames,
}

/// How a code would be exchanged.
#[derive(Clone, Debug)]
pub struct CodeExchange<'a> {
    /// The client's address for codes.
    pub redirect_uri: &'a str,
}

enum Outcome {
    Granted(Box<TokenResponse>),
    ErrorResponse(ErrorResponse),
    Garbage(u16),
}

/// It says nothing of the client.
const TOO_MANY_REQUESTS: u16 = 429;

/// Get a token as the client itself does, compare what it is with what was asked for, and give it
/// back. Says whether the client was known.
pub async fn check_token_request(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    need: &TokenRequest<'_>,
    keys: Option<&PublishedKeys>,
) -> bool {
    let Some(url) = known.resolve_endpoint(
        checks,
        &need.check,
        "token_endpoint",
        known.metadata.token_endpoint.as_deref(),
    ) else {
        return false;
    };
    let scope = need.scope.to_string();
    let mut form = vec![("grant_type", "client_credentials"), ("resource", need.resource)];
    if !need.scope.is_empty() {
        form.push(("scope", &scope));
    }
    let check = known.check(&need.check);
    match ask(known, client, &url, &form).await {
        Err(why) => not_reached(checks, known, &check, &url, &why),
        Ok(Outcome::Garbage(status)) => garbage(checks, known, &check, &url, status),
        Ok(Outcome::ErrorResponse(refused)) if refused.is_about_the_client() => {
            refused_client(checks, known, client, &check, (&url, &form), &refused).await;
        }
        Ok(Outcome::ErrorResponse(refused)) => {
            let (said, finding) = refused_need(known, client, need, &refused);
            checks.fail(check, said, finding);
            return true;
        }
        Ok(Outcome::Granted(granted)) => {
            compare(checks, known, need, &granted, keys);
            give_back(checks, known, client, need, &granted).await;
            return true;
        }
    }
    false
}

/// Show the client's credentials with a code that nobody has made: who is known gets
/// `invalid_grant`, who is not `invalid_client` (RFC 6749 §5.2). Nothing comes of it either way.
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
        ("code", "a-code-that-nobody-has-made"),
        ("redirect_uri", request.redirect_uri),
        // The example of RFC 7636 Appendix B.
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let check = known.check(CHECK);
    match ask(known, client, &url, &form).await {
        Err(why) => not_reached(checks, known, &check, &url, &why),
        Ok(Outcome::ErrorResponse(refused)) if refused.is_about_the_client() => {
            refused_client(checks, known, client, &check, (&url, &form), &refused).await;
        }
        Ok(Outcome::ErrorResponse(refused)) if refused.is("invalid_grant") => {
            checks.ok(check, format!("`{}` is known with its secret", client.id));
        }
        Ok(Outcome::ErrorResponse(refused)) => {
            let compared = "the issuer's answer to a code that nobody has made";
            let change =
                client.names.change("client_id", "look at what the issuer lets this client do");
            let finding = Diagnosis::new(compared, "invalid_grant", refused.shown(), change);
            checks.warn(check, "whether the secret is right cannot be told", finding);
        }
        Ok(Outcome::Granted(_)) => garbage(checks, known, &check, &url, 200),
        Ok(Outcome::Garbage(status)) => garbage(checks, known, &check, &url, status),
    }
}

async fn ask(
    known: &ConfirmedIssuer,
    client: &Client,
    url: &Url,
    form: &[(&str, &str)],
) -> Result<Outcome, ConnectError> {
    let mut form = form.to_vec();
    let authorization = client.prove(&mut form);
    let reply = known.wire.post(url, &form, authorization.as_deref()).await?;
    Ok(match reply.status {
        200 => serde_json::from_slice(&reply.body)
            .map_or(Outcome::Garbage(200), |granted| Outcome::Granted(Box::new(granted))),
        400..=499 if reply.status != TOO_MANY_REQUESTS => {
            Outcome::ErrorResponse(client.refused(&reply))
        }
        status => Outcome::Garbage(status),
    })
}

fn not_reached(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    check: &str,
    url: &Url,
    why: &ConnectError,
) {
    checks.fail(check, format!("not reached: {}", why.words()), known.not_reached(url, why));
}

fn garbage(checks: &mut Checks, known: &ConfirmedIssuer, check: &str, url: &Url, status: u16) {
    let compared = format!("what answers at {} and RFC 6749 section 5", bare(url.as_str()));
    let (advice, found) = match status {
        TOO_MANY_REQUESTS => (
            "wait a minute: somebody has failed there too often",
            "status 429: it asks to wait".to_owned(),
        ),
        status => (
            "look into the issuer's log, and at what stands between",
            format!("status {status}, and neither"),
        ),
    };
    let change = known.at.names.change("issuer", advice);
    checks.fail(
        check,
        "the answer cannot be used",
        Diagnosis::new(compared, "a token, or an error of OAuth", found, change),
    );
}

/// A token that was fetched for looking opens nothing longer than it has to.
async fn give_back(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    client: &Client,
    need: &TokenRequest<'_>,
    granted: &TokenResponse,
) {
    if !revoke(known, client, granted).await {
        checks
            .skip(known.check(&need.check), "the token could not be given back; it ends by itself");
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
    let authorization = client.prove(&mut form);
    known
        .wire
        .post(&url, &form, authorization.as_deref())
        .await
        .is_ok_and(|reply| reply.status == 200)
}
