use std::fmt::Write;

use oauth_types::is_loopback_url;
use url::Url;

use crate::{
    Profile, TlsFiles,
    listen::{addresses, check_format, is_loopback_listener},
    secret_setting::DEMO_SECRET,
    secret_weakness,
};

/// A setting whose value is not safe in production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeSetting {
    /// The name of the setting in the TOML file.
    pub setting: &'static str,
    /// What is unsafe about its value.
    pub problem: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl UnsafeSetting {
    /// Describes an unsafe setting.
    pub fn new(setting: &'static str, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { setting, problem: problem.into(), remedy }
    }
}

/// Returns an error if the profile is `production` and there are unsafe settings.
///
/// # Errors
/// The message lists every unsafe setting with problem and remedy, one a line.
pub fn ensure_safe_for_production(
    profile: Profile,
    unsafe_settings: &[UnsafeSetting],
) -> Result<(), String> {
    if !profile.is_production() || unsafe_settings.is_empty() {
        return Ok(());
    }
    let mut text = "profile = \"production\" refuses to start with unsafe settings:".to_owned();
    for UnsafeSetting { setting, problem, remedy } in unsafe_settings {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  {setting}: {problem}; {remedy}");
    }
    Err(text)
}

/// Returns an unsafe setting if `url` is plain http to another machine. A malformed URL is not
/// reported here: `Settings::validate` rejects it.
#[must_use]
pub fn plain_http_url(setting: &'static str, url: &str) -> Option<UnsafeSetting> {
    let plain = Url::parse(url).is_ok_and(|url| url.scheme() != "https" && !is_loopback_url(&url));
    plain.then(|| {
        UnsafeSetting::new(setting, format!("{url} is plain http to another machine"), "use https")
    })
}

/// Returns an unsafe setting if `url`, which identifies a server to others, has a loopback host.
#[must_use]
pub fn loopback_url(setting: &'static str, url: &str) -> Option<UnsafeSetting> {
    let is_loopback = Url::parse(url).is_ok_and(|url| is_loopback_url(&url));
    is_loopback.then(|| {
        UnsafeSetting::new(
            setting,
            format!("{url} is a loopback address"),
            "use the host name that other machines use",
        )
    })
}

/// Returns an unsafe setting if other machines can reach `listen` over plain http. `tls` are the
/// files with which it serves TLS.
#[must_use]
pub fn plain_http_listener(listen: &str, tls: &TlsFiles) -> Option<UnsafeSetting> {
    let remedy = "set tls.cert_file and tls.key_file, or listen on 127.0.0.1";
    tls.cert_file.is_none().then(|| plain_listener(listen, remedy))?
}

/// Returns an unsafe setting if other machines can reach `listen` of a server that serves TLS on
/// `tls_listen`. An empty `listen` is off.
#[must_use]
pub fn plain_http_with_tls(listen: &str) -> Option<UnsafeSetting> {
    let remedy = "listen on 127.0.0.1; other machines use tls_listen, and probes manage_listen";
    (!listen.is_empty()).then(|| plain_listener(listen, remedy))?
}

/// Returns a warning if `url`, which this server calls itself, names this machine and a port on
/// which none of `listeners` listens: others then look for the server at the wrong port. Listeners
/// beyond loopback may be published under another port, as in containers.
#[must_use]
pub fn port_without_listener(
    setting: &'static str,
    url: &str,
    listeners: &[&str],
) -> Option<UnsafeSetting> {
    let parsed = Url::parse(url).ok().filter(is_loopback_url)?;
    let port = parsed.port_or_known_default()?;
    let on: Vec<_> = listeners.iter().filter(|listen| !listen.is_empty()).copied().collect();
    let is_served = on.iter().any(|listen| {
        addresses(listen).is_ok_and(|all| all.iter().any(|address| address.port() == port))
    });
    if is_served || !on.iter().all(|listen| is_loopback_listener(listen)) {
        return None;
    }
    let problem = format!("is {url}, but this server listens on {}", on.join(" and "));
    let remedy = "give both the same port, unless a proxy serves that URL";
    Some(UnsafeSetting::new(setting, problem, remedy))
}

fn plain_listener(listen: &str, remedy: &'static str) -> Option<UnsafeSetting> {
    // A malformed address is not reported here: `Settings::validate` rejects it.
    let is_open = check_format(listen).is_ok() && !is_loopback_listener(listen);
    let problem = format!("{listen} accepts plain http from other machines");
    is_open.then(|| UnsafeSetting::new("listen", problem, remedy))
}

/// How to get a strong secret.
const GENERATE: &str = "generate one with `auth-server client add` or `client rotate-secret`";

/// Returns an unsafe setting if `secret` is the public demo secret or easy to guess.
#[must_use]
pub fn weak_secret(setting: &'static str, secret: &str) -> Option<UnsafeSetting> {
    if secret == DEMO_SECRET {
        return Some(UnsafeSetting::new(setting, "is the public demo secret", GENERATE));
    }
    secret_weakness(secret).map(|problem| UnsafeSetting::new(setting, problem, GENERATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_url_without_a_listener_at_its_port_is_reported() {
        for (url, listeners, is_reported) in [
            ("http://localhost:9000", &["127.0.0.1:0"][..], true),
            ("http://localhost:0", &["127.0.0.1:0"], false),
            ("http://localhost:9000", &["127.0.0.1:9000", "127.0.0.1:9443"], false),
            ("https://localhost:9443", &["", "127.0.0.1:9443"], false),
            ("http://localhost:9002/", &["[::1]:9002"], false),
            ("http://localhost", &["127.0.0.1:8080"], true),
            ("http://localhost:9000", &["0.0.0.0:8080"], false),
            ("https://c.example", &["127.0.0.1:9000"], false),
            ("not a URL", &["127.0.0.1:0"], false),
        ] {
            let found = port_without_listener("issuer", url, listeners);
            assert_eq!(found.is_some(), is_reported, "{url} {listeners:?}");
        }
    }

    #[test]
    fn only_production_rejects_unsafe_settings_and_names_all() {
        let unsafe_settings = [
            UnsafeSetting::new("one", "is bad", "fix it"),
            UnsafeSetting::new("two", "is worse", "remove it"),
        ];
        let error = ensure_safe_for_production(Profile::Production, &unsafe_settings).unwrap_err();
        assert!(
            error.contains("one: is bad; fix it") && error.contains("two: is worse; remove it")
        );
        assert!(ensure_safe_for_production(Profile::Demo, &unsafe_settings).is_ok());
        assert!(ensure_safe_for_production(Profile::Production, &[]).is_ok());
    }

    #[test]
    fn plain_http_to_other_machines_is_unsafe() {
        assert!(plain_http_url("x", "http://b.example").is_some());
        assert!(
            plain_http_url("x", "http://localhost:1").is_none()
                && plain_http_url("x", "https://b.example").is_none()
        );
        let tls = TlsFiles { cert_file: Some("c.pem".into()), key_file: Some("k.pem".into()) };
        assert!(plain_http_listener("0.0.0.0:1", &TlsFiles::default()).is_some());
        assert!(plain_http_listener("0.0.0.0:1", &tls).is_none());
        for loopback in ["127.0.0.1:1", "localhost:1"] {
            assert!(plain_http_listener(loopback, &TlsFiles::default()).is_none(), "{loopback}");
            assert!(plain_http_with_tls(loopback).is_none(), "{loopback}");
        }
        assert!(plain_http_with_tls("20000").is_none(), "malformed");
        let beside_tls = plain_http_with_tls("0.0.0.0:1").unwrap();
        assert!(beside_tls.remedy.contains("tls_listen"), "{beside_tls:?}");
    }

    #[test]
    fn demo_and_short_secrets_are_weak() {
        assert!(weak_secret("x", "abc123").is_some_and(|setting| setting.problem.contains("demo")));
        assert!(
            weak_secret("x", &"a".repeat(31)).is_some()
                && weak_secret("x", "Xq7vR2mK9tBz4LwY8nHc3PdF6sGj5aUe").is_none()
        );
    }
}
