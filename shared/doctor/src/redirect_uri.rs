//! Will the issuer send browsers back to where the client waits for them?

use url::Url;

use crate::{
    checks::Checks,
    connect_error::ConnectError,
    diagnosis::{Change, Diagnosis, SettingNames},
    issuer::ConfirmedIssuer,
    uri_difference::uri_difference,
};

/// A login as a browser would begin it.
#[derive(Clone, Debug)]
pub struct LoginRequest<'a> {
    /// The client's id.
    pub client_id: &'a str,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scopes: &'a str,
    /// For whom (RFC 8707).
    pub resources: &'a str,
    /// The client's settings; the redirect URI follows from its `public_url`.
    pub names: &'a SettingNames,
    /// Where the settings of this issuer stand.
    pub issuer_names: &'a SettingNames,
    /// The setting of the scopes among those.
    pub scope_setting: &'a str,
}

/// What the authorization endpoint does with it.
enum Answer {
    /// It sends the browser to the redirect URI, as it does with those that are registered alone
    /// (RFC 6749 §3.1.2.4).
    GoesBack(Option<String>),
    /// It tells the user instead, as it has to where the redirect URI or the client is not known
    /// (§4.1.2.1).
    TellsUser { about: About, status: u16 },
    /// It sends the browser to a page of its own, which may be its login or its error.
    GoesOn(String),
    /// A page, of which nobody can tell what it says.
    Unclear(u16),
}

#[derive(PartialEq, Eq)]
enum About {
    RedirectUri,
    Client,
}

/// Errors that say no more than that nobody is signed in (OpenID Connect Core §3.1.2.6).
const EXPECTED: [&str; 4] =
    ["login_required", "interaction_required", "consent_required", "account_selection_required"];

/// Ask for a login without showing a page (`prompt=none`), and look where the answer goes without
/// going there.
pub async fn check_redirect_uri(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    login: &LoginRequest<'_>,
) {
    const CHECK: &str = "redirect URI";
    let published = known.metadata.authorization_endpoint.as_deref();
    let Some(url) = known.resolve_endpoint(checks, CHECK, "authorization_endpoint", published)
    else {
        return;
    };
    let check = known.check(CHECK);
    match ask(known, &url, login, login.redirect_uri).await {
        Err(why) => {
            let finding = known.not_reached(&url, &why);
            checks.fail(check, format!("not reached: {}", why.words()), finding);
        }
        Ok(Answer::GoesBack(error)) => check_error(checks, known, &check, login, error.as_deref()),
        Ok(Answer::TellsUser { about: About::Client, status }) => {
            let compared =
                format!("the client `{}` and those that the issuer knows", login.client_id);
            let advice = "write the id that the issuer has for this website, and have it registered as one that may log people in";
            let change = login.issuer_names.change("client_id", advice);
            let finding = Diagnosis::new(
                compared,
                login.redirect_uri,
                format!("an error page about the client, status {status}"),
                change,
            );
            checks.fail(check, "the issuer does not know the client", finding);
        }
        Ok(Answer::TellsUser { about: About::RedirectUri, status }) => {
            let nearest = nearest_by_trying(known, &url, login).await;
            checks.fail(
                check,
                format!("{} is not registered", login.redirect_uri),
                not_registered(login, nearest, status),
            );
        }
        Ok(Answer::GoesOn(to)) => {
            let finding = unclear(login, format!("a redirect to {to}"));
            checks.warn(check, "whether it is registered cannot be told", finding);
        }
        Ok(Answer::Unclear(status)) => {
            checks.warn(
                check,
                "whether it is registered cannot be told",
                unclear(login, format!("a page, status {status}")),
            );
        }
    }
}

async fn ask(
    known: &ConfirmedIssuer,
    endpoint: &Url,
    login: &LoginRequest<'_>,
    redirect_uri: &str,
) -> Result<Answer, ConnectError> {
    let mut url = endpoint.clone();
    url.query_pairs_mut()
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", login.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", login.scopes),
            ("state", "doctor"),
            ("nonce", "doctor"),
            ("prompt", "none"),
            // The example of RFC 7636 Appendix B: nothing will ever come of it.
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ])
        .extend_pairs(login.resources.split_whitespace().map(|resource| ("resource", resource)));
    let reply = known.wire.get(url.as_str()).await?;
    let text = String::from_utf8_lossy(&reply.body);
    let about = || {
        if text.contains("client_id") && !text.contains("redirect_uri") {
            About::Client
        } else {
            About::RedirectUri
        }
    };
    Ok(match (reply.status, reply.location) {
        (300..=399, Some(to)) if goes_to(&to, redirect_uri) => {
            Answer::GoesBack(parameter(&to, "error"))
        }
        (300..=399, Some(to))
            if to.contains("redirect_uri_mismatch") || to.contains("invalid_redirect_uri") =>
        {
            Answer::TellsUser { about: About::RedirectUri, status: reply.status }
        }
        (300..=399, Some(to)) => {
            Answer::GoesOn(to.split(['?', '#']).next().unwrap_or_default().to_owned())
        }
        (status @ 400..=499, _) => Answer::TellsUser { about: about(), status },
        (status, _) => Answer::Unclear(status),
    })
}

/// To the byte, and with nothing behind it but parameters.
fn goes_to(location: &str, redirect_uri: &str) -> bool {
    location
        .strip_prefix(redirect_uri)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '&', '#']))
}

fn parameter(location: &str, name: &str) -> Option<String> {
    let pairs =
        location.split(['?', '#']).skip(1).flat_map(|part| form_urlencoded::parse(part.as_bytes()));
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn check_error(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    check: &str,
    login: &LoginRequest<'_>,
    error: Option<&str>,
) {
    match error.filter(|error| !EXPECTED.contains(error)) {
        None => checks.ok(check, format!("{} is registered", login.redirect_uri)),
        Some(error) => {
            let compared = "the answer to a login that shows no page, and what it should be";
            let advice = format!(
                "the redirect URI is registered, and the rest of the request is not taken: compare scopes and resources with what the issuer knows: {}",
                known.scopes().join(" ")
            );
            let finding = Diagnosis::new(
                compared,
                EXPECTED[0],
                error,
                login.issuer_names.change(login.scope_setting, advice),
            );
            checks.fail(check, "the issuer refuses the login request", finding);
        }
    }
}

/// What people get wrong most often, tried one after the other: what the issuer takes is
/// registered.
async fn nearest_by_trying(
    known: &ConfirmedIssuer,
    endpoint: &Url,
    login: &LoginRequest<'_>,
) -> Option<String> {
    for other in spelled_otherwise(login.redirect_uri) {
        if matches!(ask(known, endpoint, login, &other).await, Ok(Answer::GoesBack(_))) {
            return Some(other);
        }
    }
    None
}

fn spelled_otherwise(uri: &str) -> Vec<String> {
    let slash = uri.strip_suffix('/').map_or_else(|| format!("{uri}/"), str::to_owned);
    let mut others = vec![slash];
    for (one, other) in [("http://", "https://"), ("localhost", "127.0.0.1")] {
        others.extend(uri.contains(one).then(|| uri.replacen(one, other, 1)));
        others.extend(uri.contains(other).then(|| uri.replacen(other, one, 1)));
    }
    if let Some(mut url) = Url::parse(uri).ok().filter(|url| url.port().is_some()) {
        others.extend(url.set_port(None).is_ok().then(|| url.to_string()));
    }
    others
}

fn not_registered(login: &LoginRequest<'_>, nearest: Option<String>, status: u16) -> Diagnosis {
    let compared = format!(
        "the redirect URI {} and those of `{}` at the issuer, to the byte",
        login.redirect_uri, login.client_id
    );
    match nearest {
        Some(nearest) => {
            let found = format!(
                "{nearest} is registered: they differ in {}",
                uri_difference(&nearest, login.redirect_uri)
            );
            let change = login.names.change(
                "public_url",
                "let it fit what is registered, or register this one at the issuer",
            );
            Diagnosis::new(compared, login.redirect_uri, found, change)
        }
        None => {
            let advice = format!(
                "register it at the issuer (ours: `redirect_uris` in `clients_file`; `auth-server doctor --client-id {} --redirect-uri {}` names the nearest one), or let this setting fit what is registered",
                login.client_id, login.redirect_uri
            );
            let found = format!("an error page in place of an answer, status {status}");
            Diagnosis::new(
                compared,
                login.redirect_uri,
                found,
                login.names.change("public_url", advice),
            )
        }
    }
}

fn unclear(login: &LoginRequest<'_>, found: String) -> Diagnosis {
    let compared = format!(
        "where the issuer sends a browser that asks with prompt=none, and {}",
        login.redirect_uri
    );
    let change = Change::elsewhere(
        "begin a login in a browser: this issuer does not say by its status whether it knows the redirect URI",
    );
    Diagnosis::new(compared, "a redirect to it", found, change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_back_only_to_the_very_same_address() {
        let own = "https://a.example/callback";
        for (location, back) in [
            ("https://a.example/callback?error=login_required&state=doctor", true),
            ("https://a.example/callback#error=login_required", true),
            ("https://a.example/callback", true),
            ("https://a.example/callback.evil/?error=x", false),
            ("https://c.example/login?redirect_uri=https://a.example/callback", false),
        ] {
            assert_eq!(goes_to(location, own), back, "{location}");
        }
        assert_eq!(parameter("https://a/cb?x=1&error=a+b", "error").as_deref(), Some("a b"));
    }

    #[test]
    fn the_usual_mistakes_are_tried() {
        let others = spelled_otherwise("http://localhost:9001/cb");
        for other in [
            "http://localhost:9001/cb/",
            "https://localhost:9001/cb",
            "http://127.0.0.1:9001/cb",
            "http://localhost/cb",
        ] {
            assert!(others.iter().any(|one| one == other), "{other} is not in {others:?}");
        }
    }
}
