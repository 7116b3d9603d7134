//! Can a client get a token, and is it the right one?

use claims::{Scope, TokenResponse};
use url::Url;

use crate::{
    checks::Checks,
    client::{Client, Refused},
    finding::{Change, Finding, Names},
    issuer::KnownIssuer,
    keys::PublishedKeys,
    no_reply::{NoReply, bare},
    pass::UnverifiedPass,
    uri::uris_differ_in,
};

/// What a client needs a token for.
#[derive(Clone, Debug)]
pub struct Need<'a> {
    /// How the check is called behind the issuer's label.
    pub check: String,
    /// What is asked for.
    pub scope: &'a Scope,
    /// For whom (RFC 8707).
    pub resource: &'a str,
    /// The setting that names the resource.
    pub resource_setting: String,
    /// Whose settings.
    pub names: &'a Names,
}

/// How a code would be exchanged.
#[derive(Clone, Debug)]
pub struct CodeRequest<'a> {
    /// The client's address for codes.
    pub redirect_uri: &'a str,
}

enum Outcome {
    Granted(Box<TokenResponse>),
    Refused(Refused),
    Garbage(u16),
}

/// It says nothing of the client.
const TOO_MANY_REQUESTS: u16 = 429;

/// Get a token as the client itself does, compare what it is with what was asked for, and give it back. Says whether the
/// client was known.
pub async fn try_token(
    checks: &mut Checks,
    known: &KnownIssuer,
    client: &Client,
    need: &Need<'_>,
    keys: Option<&PublishedKeys>,
) -> bool {
    let Some(url) = known.way_to(checks, &need.check, "token_endpoint", known.metadata.token_endpoint.as_deref())
    else {
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
        Ok(Outcome::Refused(refused)) if refused.is_about_the_client() => {
            refused_client(checks, known, client, &check, (&url, &form), &refused).await;
        }
        Ok(Outcome::Refused(refused)) => {
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

/// Show the client's credentials with a code that nobody has made: who is known gets `invalid_grant`, who is not
/// `invalid_client` (RFC 6749 §5.2). Nothing comes of it either way.
pub async fn try_code_exchange(checks: &mut Checks, known: &KnownIssuer, client: &Client, request: &CodeRequest<'_>) {
    const CHECK: &str = "client";
    let Some(url) = known.way_to(checks, CHECK, "token_endpoint", known.metadata.token_endpoint.as_deref()) else {
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
        Ok(Outcome::Refused(refused)) if refused.is_about_the_client() => {
            refused_client(checks, known, client, &check, (&url, &form), &refused).await;
        }
        Ok(Outcome::Refused(refused)) if refused.is("invalid_grant") => {
            checks.ok(check, format!("`{}` is known with its secret", client.id));
        }
        Ok(Outcome::Refused(refused)) => {
            let compared = "the issuer's answer to a code that nobody has made";
            let change = client.names.change("client_id", "look at what the issuer lets this client do");
            let finding = Finding::new(compared, "invalid_grant", refused.shown(), change);
            checks.warn(check, "whether the secret is right cannot be told", finding);
        }
        Ok(Outcome::Granted(_)) => garbage(checks, known, &check, &url, 200),
        Ok(Outcome::Garbage(status)) => garbage(checks, known, &check, &url, status),
    }
}

async fn ask(known: &KnownIssuer, client: &Client, url: &Url, form: &[(&str, &str)]) -> Result<Outcome, NoReply> {
    let mut form = form.to_vec();
    let authorization = client.prove(&mut form);
    let reply = known.wire.post(url, &form, authorization.as_deref()).await?;
    Ok(match reply.status {
        200 => serde_json::from_slice(&reply.body)
            .map_or(Outcome::Garbage(200), |granted| Outcome::Granted(Box::new(granted))),
        400..=499 if reply.status != TOO_MANY_REQUESTS => Outcome::Refused(client.refused(&reply)),
        status => Outcome::Garbage(status),
    })
}

fn not_reached(checks: &mut Checks, known: &KnownIssuer, check: &str, url: &Url, why: &NoReply) {
    checks.fail(check, format!("not reached: {}", why.words()), known.not_reached(url, why));
}

fn garbage(checks: &mut Checks, known: &KnownIssuer, check: &str, url: &Url, status: u16) {
    let compared = format!("what answers at {} and RFC 6749 section 5", bare(url.as_str()));
    let (advice, found) = match status {
        TOO_MANY_REQUESTS => {
            ("wait a minute: somebody has failed there too often", "status 429: it asks to wait".to_owned())
        }
        status => ("look into the issuer's log, and at what stands between", format!("status {status}, and neither")),
    };
    let change = known.at.names.change("issuer", advice);
    checks.fail(
        check,
        "the answer cannot be used",
        Finding::new(compared, "a token, or an error of OAuth", found, change),
    );
}

/// Is it the secret, or the way in which it is shown? The other way tells.
async fn refused_client(
    checks: &mut Checks,
    known: &KnownIssuer,
    client: &Client,
    check: &str,
    (url, form): (&Url, &[(&str, &str)]),
    refused: &Refused,
) {
    let offered = &known.metadata.token_endpoint_auth_methods_supported;
    let method = client.method;
    let otherwise = Client { method: method.other(), ..client.clone() };
    let taken = match ask(known, &otherwise, url, form).await {
        Ok(Outcome::Granted(granted)) => {
            revoke(known, &otherwise, &granted).await;
            true
        }
        Ok(Outcome::Refused(refused)) => !refused.is_about_the_client(),
        _ => false,
    };
    let not_offered = !offered.is_empty() && !offered.iter().any(|one| one == method.as_str());
    if taken || not_offered {
        let compared = format!("how `{}` shows its secret, and what the issuer takes", client.id);
        let expected = if taken { method.other().as_str().to_owned() } else { offered.join(", ") };
        let advice = "show it in that way";
        let change = match client.method_setting {
            Some(setting) => client.names.change(setting, advice),
            None => Change::elsewhere("register this way for the client at the issuer"),
        };
        let finding = Finding::new(compared, expected, method.as_str(), change);
        return checks.fail(check, format!("the way of client authentication is wrong: {}", refused.code), finding);
    }
    let compared = format!("the id `{}` with its secret (not shown), and what the issuer has registered", client.id);
    let advice = "write the secret that the issuer has for this id, or set `client_secret_file` to a file with it; and compare `client_id`";
    let finding = Finding::new(
        compared,
        "a client that is known, with its secret",
        refused.shown(),
        client.names.change("client_secret", advice),
    );
    checks.fail(check, format!("the issuer does not take `{}` with this secret", client.id), finding);
}

/// The client is known, and does not get what it asks for.
fn refused_need(known: &KnownIssuer, client: &Client, need: &Need<'_>, refused: &Refused) -> (String, Finding) {
    let shown = refused.shown();
    match refused.code.as_str() {
        "invalid_scope" => {
            let compared =
                format!("the setting `{}` and the scopes of the issuer for `{}`", need.names.name("scope"), client.id);
            let expected = format!("some of: {}", known.scopes().join(" "));
            let change = need
                .names
                .change("scope", "ask for what the issuer lets this client have, or have it registered there");
            (shown, Finding::new(compared, expected, need.scope.to_string(), change))
        }
        "invalid_target" => {
            let compared = format!(
                "the setting `{}` and the resources of the issuer for `{}`",
                need.names.name(&need.resource_setting),
                client.id
            );
            let advice =
                "write the identifier that B has and the issuer knows, to the byte, or have it registered there";
            (
                shown,
                Finding::new(
                    compared,
                    "a resource that this client may ask for",
                    need.resource,
                    need.names.change(&need.resource_setting, advice),
                ),
            )
        }
        _ => {
            let compared = format!("what the issuer lets `{}` do, and the grant client_credentials", client.id);
            let advice = "have this grant registered for the client, or use one that has it";
            (shown.clone(), Finding::new(compared, "a token", shown, need.names.change("client_id", advice)))
        }
    }
}

/// Every claim that B will look at.
fn compare(
    checks: &mut Checks,
    known: &KnownIssuer,
    need: &Need<'_>,
    granted: &TokenResponse,
    keys: Option<&PublishedKeys>,
) {
    let check = known.check(&need.check);
    let pass = UnverifiedPass::read(&granted.access_token);
    let granted_scope = granted.scope.as_ref().or(pass.as_ref().and_then(|pass| pass.scope.as_ref()));
    let missing = granted_scope.map(|granted| need.scope.filtered(|one| !granted.contains(one)));
    let before = checks.len();
    if let (Some(missing), Some(granted)) = (missing.filter(|missing| !missing.is_empty()), granted_scope) {
        let compared = format!("the setting `{}` and what was granted", need.names.name("scope"));
        let change = need.names.change("scope", "have the rest registered for the client at the issuer, or do without");
        checks.warn(
            &check,
            format!("not granted: {missing}"),
            Finding::new(compared, need.scope.to_string(), granted.to_string(), change),
        );
    }
    let Some(pass) = pass else {
        return checks.ok(check, "a token came, which the issuer alone can read");
    };
    if let Some(iss) = pass.iss.filter(|iss| iss != known.issuer.name()) {
        let compared = format!("`iss` in the token and the setting `{}`, to the byte", known.at.names.name("issuer"));
        let advice = "every B refuses this token: have the issuer write its own name, or name it here as it does";
        let finding = Finding::new(compared, known.issuer.name(), &iss, known.at.names.change("issuer", advice));
        checks.fail(&check, format!("the issuers differ in {}", uris_differ_in(known.issuer.name(), &iss)), finding);
    }
    if !pass.aud.as_ref().is_some_and(|aud| aud.contains(need.resource)) {
        let compared = format!("`aud` in the token and the setting `{}`", need.names.name(&need.resource_setting));
        let found = pass.aud.map_or_else(|| "none".to_owned(), |aud| aud.to_string());
        let advice = "B refuses this token: name the resource as the issuer writes it, and B's `resource` the same";
        checks.fail(
            &check,
            "the token is for another audience",
            Finding::new(compared, need.resource, found, need.names.change(&need.resource_setting, advice)),
        );
    }
    if let Some(keys) = keys.filter(|keys| !pass.is_by_shared_secret && !keys.have(pass.kid.as_deref())) {
        let compared = "`kid` in the token and the keys that the issuer publishes";
        let found = pass.kid.unwrap_or_else(|| "no kid".to_owned());
        let change = known.at.names.change(
            "issuer",
            "every B refuses this token: two issuers answer under one name, or a cache holds old keys",
        );
        checks.fail(
            &check,
            "the key of the token is not published",
            Finding::new(compared, keys.shown(), found, change),
        );
    }
    if checks.len() == before {
        let life = granted.expires_in.map(|seconds| format!(", good for {seconds} s")).unwrap_or_default();
        checks.ok(check, format!("a token came, issuer, audience, scope and key as they should be{life}"));
    }
}

/// A token that was fetched for looking opens nothing longer than it has to.
async fn give_back(
    checks: &mut Checks,
    known: &KnownIssuer,
    client: &Client,
    need: &Need<'_>,
    granted: &TokenResponse,
) {
    if !revoke(known, client, granted).await {
        checks.skip(known.check(&need.check), "the token could not be given back; it ends by itself");
    }
}

async fn revoke(known: &KnownIssuer, client: &Client, granted: &TokenResponse) -> bool {
    let endpoint =
        known.metadata.revocation_endpoint.as_deref().and_then(|published| known.issuer.way_to(published).ok());
    let Some(url) = endpoint else { return false };
    let mut form = vec![("token", granted.access_token.expose()), ("token_type_hint", "access_token")];
    let authorization = client.prove(&mut form);
    known.wire.post(&url, &form, authorization.as_deref()).await.is_ok_and(|reply| reply.status == 200)
}
