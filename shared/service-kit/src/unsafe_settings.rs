use std::fmt::Write;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{TlsFiles, listen::is_loopback, secret_setting::DEMO_SECRET};

/// A secret with fewer characters can be guessed.
pub const MIN_SECRET_LENGTH: usize = 32;

/// What the process is for. Only `production` refuses to start with an unsafe setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Values that everybody knows, errors that explain themselves.
    #[default]
    Demo,
    /// Like demo, for the tests of other teams' services.
    Test,
    /// Nothing that everybody knows, and terse errors.
    Production,
}

impl Profile {
    /// Is this for real?
    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

/// A setting that would not be safe in production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeSetting {
    /// The setting's key.
    pub setting: &'static str,
    /// What is wrong with its value.
    pub problem: String,
    /// What to set instead.
    pub remedy: &'static str,
}

impl UnsafeSetting {
    /// A finding about `setting`.
    pub fn new(setting: &'static str, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { setting, problem: problem.into(), remedy }
    }
}

/// Refuse to start in production with unsafe settings, naming every one.
///
/// # Errors
/// The list of findings as a text, when the profile is production and there are any.
pub fn ensure_safe_for_production(
    profile: Profile,
    findings: &[UnsafeSetting],
) -> Result<(), String> {
    if !profile.is_production() || findings.is_empty() {
        return Ok(());
    }
    let mut text = "profile = \"production\" refuses to start with unsafe settings:".to_owned();
    for UnsafeSetting { setting, problem, remedy } in findings {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {setting}: {problem}; {remedy}");
    }
    Err(text)
}

/// Does `url` stay on this machine, so that nobody on the way can read plain http?
#[must_use]
pub fn is_loopback_url(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A finding if `url` is plain http to another machine. What is no URL at all is somebody else's to
/// refuse.
#[must_use]
pub fn plain_http_url(setting: &'static str, url: &str) -> Option<UnsafeSetting> {
    let plain = Url::parse(url).is_ok_and(|url| url.scheme() != "https" && !is_loopback_url(&url));
    plain.then(|| {
        UnsafeSetting::new(setting, format!("{url} is plain http beyond this machine"), "use https")
    })
}

/// A finding if `url`, by which others know a server, is a name of this machine.
#[must_use]
pub fn loopback_url(setting: &'static str, url: &str) -> Option<UnsafeSetting> {
    let own = Url::parse(url).is_ok_and(|url| is_loopback_url(&url));
    own.then(|| {
        UnsafeSetting::new(
            setting,
            format!("{url} is this machine's own name"),
            "use the name that others know",
        )
    })
}

/// A finding if other machines reach `listen` in plain http.
#[must_use]
pub fn plain_http_listener(listen: &str, tls: &TlsFiles) -> Option<UnsafeSetting> {
    let plain = !is_loopback(listen) && tls.cert_file.is_none();
    plain.then(|| {
        let problem = format!("{listen} is plain http beyond this machine");
        UnsafeSetting::new(
            "listen",
            problem,
            "set tls.cert_file and tls.key_file, or listen on 127.0.0.1",
        )
    })
}

/// A finding if everybody knows or can guess `secret`.
#[must_use]
pub fn weak_secret(setting: &'static str, secret: &str) -> Option<UnsafeSetting> {
    if secret == DEMO_SECRET {
        Some(UnsafeSetting::new(
            setting,
            "is the demo's secret, which everybody knows",
            "let C make one",
        ))
    } else if secret.len() < MIN_SECRET_LENGTH {
        let problem = format!("has fewer than {MIN_SECRET_LENGTH} characters");
        Some(UnsafeSetting::new(setting, problem, "let C make one"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_names_every_unsafe_setting_and_the_others_start() {
        let findings = [
            UnsafeSetting::new("one", "is bad", "mend it"),
            UnsafeSetting::new("two", "is worse", "drop it"),
        ];
        let refusal = ensure_safe_for_production(Profile::Production, &findings).unwrap_err();
        assert!(
            refusal.contains("one: is bad; mend it") && refusal.contains("two: is worse; drop it")
        );
        assert!(ensure_safe_for_production(Profile::Demo, &findings).is_ok());
        assert!(ensure_safe_for_production(Profile::Production, &[]).is_ok());
    }

    #[test]
    fn plain_http_is_found_where_others_can_listen() {
        assert!(plain_http_url("x", "http://b.example").is_some());
        assert!(
            plain_http_url("x", "http://localhost:1").is_none()
                && plain_http_url("x", "https://b.example").is_none()
        );
        let tls = TlsFiles { cert_file: Some("c.pem".into()), key_file: Some("k.pem".into()) };
        assert!(plain_http_listener("0.0.0.0:1", &TlsFiles::default()).is_some());
        assert!(plain_http_listener("0.0.0.0:1", &tls).is_none());
        for here in ["127.0.0.1:1", "localhost:1"] {
            assert!(plain_http_listener(here, &TlsFiles::default()).is_none(), "{here}");
        }
    }

    #[test]
    fn a_known_or_short_secret_is_weak() {
        assert!(
            weak_secret("x", "abc123").is_some_and(|finding| finding.problem.contains("everybody"))
        );
        assert!(
            weak_secret("x", &"a".repeat(31)).is_some()
                && weak_secret("x", &"a".repeat(32)).is_none()
        );
    }

    #[test]
    fn loopback_is_told_from_what_only_looks_like_it() {
        for (url, loopback) in [
            ("http://localhost:9000", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:1", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback_url(&url.parse().unwrap()), loopback, "{url}");
        }
    }
}
