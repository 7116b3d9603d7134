//! Whether the client's redirect URI is registered at the issuer.

use url::Url;

use crate::{
    checks::Checks,
    connect_error::ConnectError,
    diagnosis::{Change, Diagnosis, SettingNames},
    issuer::ConfirmedIssuer,
    uri_difference::uri_difference,
};

/// The authorization request of a login.
#[derive(Clone, Debug)]
pub struct LoginRequest<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The redirect URI.
    pub redirect_uri: &'a str,
    /// The requested scope, separated by spaces.
    pub scopes: &'a str,
    /// The requested resources (RFC 8707), separated by spaces.
    pub resources: &'a str,
    /// Names of the client's settings. The redirect URI is derived from `public_url`.
    pub names: &'a SettingNames,
    /// Names of the settings of this issuer.
    pub issuer_names: &'a SettingNames,
    /// The setting of the scope among those.
    pub scope_setting: &'a str,
}

/// What the authorization endpoint does with the request.
enum AuthorizeResponse {
    /// Redirects to the redirect URI, with the error code if there is one. That happens for
    /// registered URIs only (RFC 6749 §3.1.2.4).
    RedirectsBack(Option<String>),
    /// Shows an error page, as required if the redirect URI or the client is unknown (§4.1.2.1).
    ErrorPage { cause: ErrorCause, status: u16 },
    /// Redirects to another page, which may be its login page or an error page.
    RedirectsElsewhere(String),
    /// Any other response.
    Unclear(u16),
}

#[derive(PartialEq, Eq)]
enum ErrorCause {
    RedirectUri,
    Client,
}

/// Errors of a valid request with `prompt=none` without a session (OpenID Connect Core §3.1.2.6).
const EXPECTED: [&str; 4] =
    ["login_required", "interaction_required", "consent_required", "account_selection_required"];

/// Sends an authorization request with `prompt=none`, and checks where the response redirects. Does
/// not follow the redirect.
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
    match authorize(known, &url, login, login.redirect_uri).await {
        Err(error) => {
            let diagnosis = known.diagnose_unreachable(&url, &error);
            checks.fail(check, format!("not reachable: {}", error.summary()), diagnosis);
        }
        Ok(AuthorizeResponse::RedirectsBack(error)) => {
            check_error(checks, known, &check, login, error.as_deref());
        }
        Ok(AuthorizeResponse::ErrorPage { cause: ErrorCause::Client, status }) => {
            let compared =
                format!("the client `{}` and the clients of the issuer", login.client_id);
            let advice = "use the client id that the issuer assigned to this website, and register the client for user login";
            let change = login.issuer_names.change("client_id", advice);
            let diagnosis = Diagnosis::new(
                compared,
                login.redirect_uri,
                format!("an error page about the client, status {status}"),
                change,
            );
            checks.fail(check, "the client is not registered at the issuer", diagnosis);
        }
        Ok(AuthorizeResponse::ErrorPage { cause: ErrorCause::RedirectUri, status }) => {
            let nearest = find_registered_variant(known, &url, login).await;
            checks.fail(
                check,
                format!("{} is not registered", login.redirect_uri),
                not_registered(login, nearest, status),
            );
        }
        Ok(AuthorizeResponse::RedirectsElsewhere(to)) => {
            let diagnosis = unclear(login, format!("a redirect to {to}"));
            checks.warn(check, "cannot determine whether it is registered", diagnosis);
        }
        Ok(AuthorizeResponse::Unclear(status)) => {
            checks.warn(
                check,
                "cannot determine whether it is registered",
                unclear(login, format!("a page, status {status}")),
            );
        }
    }
}

async fn authorize(
    known: &ConfirmedIssuer,
    endpoint: &Url,
    login: &LoginRequest<'_>,
    redirect_uri: &str,
) -> Result<AuthorizeResponse, ConnectError> {
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
            // The example of RFC 7636 Appendix B. No code will be redeemed with it.
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ])
        .extend_pairs(login.resources.split_whitespace().map(|resource| ("resource", resource)));
    let reply = known.probe.get(url.as_str()).await?;
    let text = String::from_utf8_lossy(&reply.body);
    let cause = || {
        if text.contains("client_id") && !text.contains("redirect_uri") {
            ErrorCause::Client
        } else {
            ErrorCause::RedirectUri
        }
    };
    Ok(match (reply.status, reply.location) {
        (300..=399, Some(to)) if redirects_to(&to, redirect_uri) => {
            AuthorizeResponse::RedirectsBack(parameter(&to, "error"))
        }
        (300..=399, Some(to))
            if to.contains("redirect_uri_mismatch") || to.contains("invalid_redirect_uri") =>
        {
            AuthorizeResponse::ErrorPage { cause: ErrorCause::RedirectUri, status: reply.status }
        }
        (300..=399, Some(to)) => AuthorizeResponse::RedirectsElsewhere(
            to.split(['?', '#']).next().unwrap_or_default().to_owned(),
        ),
        (status @ 400..=499, _) => AuthorizeResponse::ErrorPage { cause: cause(), status },
        (status, _) => AuthorizeResponse::Unclear(status),
    })
}

/// Returns whether `location` is exactly `redirect_uri`, followed by parameters only.
fn redirects_to(location: &str, redirect_uri: &str) -> bool {
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
            let compared = "the response to an authorization request with prompt=none";
            let advice = format!(
                "the redirect URI is registered, but the request is rejected: compare scopes and resources with those of the issuer: {}",
                known.scopes().join(" ")
            );
            let diagnosis = Diagnosis::new(
                compared,
                EXPECTED[0],
                error,
                login.issuer_names.change(login.scope_setting, advice),
            );
            checks.fail(check, "the issuer rejects the authorization request", diagnosis);
        }
    }
}

/// Tries common misspellings of the redirect URI, and returns the first one that is registered.
async fn find_registered_variant(
    known: &ConfirmedIssuer,
    endpoint: &Url,
    login: &LoginRequest<'_>,
) -> Option<String> {
    for other in spelling_variants(login.redirect_uri) {
        if matches!(
            authorize(known, endpoint, login, &other).await,
            Ok(AuthorizeResponse::RedirectsBack(_))
        ) {
            return Some(other);
        }
    }
    None
}

fn spelling_variants(uri: &str) -> Vec<String> {
    let slash = uri.strip_suffix('/').map_or_else(|| format!("{uri}/"), str::to_owned);
    let mut variants = vec![slash];
    for (one, other) in [("http://", "https://"), ("localhost", "127.0.0.1")] {
        variants.extend(uri.contains(one).then(|| uri.replacen(one, other, 1)));
        variants.extend(uri.contains(other).then(|| uri.replacen(other, one, 1)));
    }
    if let Some(mut url) = Url::parse(uri).ok().filter(|url| url.port().is_some()) {
        variants.extend(url.set_port(None).is_ok().then(|| url.to_string()));
    }
    variants
}

fn not_registered(login: &LoginRequest<'_>, nearest: Option<String>, status: u16) -> Diagnosis {
    let compared = format!(
        "the redirect URI {} and those registered for `{}`, exactly",
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
                "change it to match the registered URI, or register this one at the issuer",
            );
            Diagnosis::new(compared, login.redirect_uri, found, change)
        }
        None => {
            let advice = format!(
                "register it at the issuer (Gatepass: `redirect_uris` in `clients_file`; `auth-server doctor --client-id {} --redirect-uri {}` shows the most similar one), or change this setting to match the registered URI",
                login.client_id, login.redirect_uri
            );
            let found = format!("an error page, status {status}");
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
        "the redirect target for an authorization request with prompt=none, and {}",
        login.redirect_uri
    );
    let change = Change::elsewhere(
        "try a login in a browser: the response of this issuer does not show whether the redirect URI is registered",
    );
    Diagnosis::new(compared, "a redirect to it", found, change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_redirect_uri_counts_as_registered() {
        let registered = "https://a.example/callback";
        for (location, back) in [
            ("https://a.example/callback?error=login_required&state=doctor", true),
            ("https://a.example/callback#error=login_required", true),
            ("https://a.example/callback", true),
            ("https://a.example/callback.evil/?error=x", false),
            ("https://c.example/login?redirect_uri=https://a.example/callback", false),
        ] {
            assert_eq!(redirects_to(location, registered), back, "{location}");
        }
        assert_eq!(parameter("https://a/cb?x=1&error=a+b", "error").as_deref(), Some("a b"));
    }

    #[test]
    fn common_misspellings_are_tried() {
        let variants = spelling_variants("http://localhost:9001/cb");
        for other in [
            "http://localhost:9001/cb/",
            "https://localhost:9001/cb",
            "http://127.0.0.1:9001/cb",
            "http://localhost/cb",
        ] {
            assert!(variants.iter().any(|one| one == other), "{other} is not in {variants:?}");
        }
    }
}
