//! The settings of A.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use claims::{ClientSecret, Scope};
use clock::Clock;
use serde::{Deserialize, Serialize};
use service_kit::{
    Finding, HttpClientSettings, Limits, Profile, SecretSetting, Settings, TlsFiles, own_name, plain_http,
    plain_listener, telemetry::LogSettings, weak_secret,
};

use crate::server;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceASettings {
    pub profile: Profile,
    /// The issuer identifier of C.
    pub issuer: String,
    /// Where A reaches C, if not at the issuer's address.
    pub internal_url: Option<String>,
    /// The only certificate authorities that A believes, as PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// Where A is served, as `host:port`.
    pub listen: String,
    pub client_id: String,
    pub client_secret: Option<SecretSetting>,
    /// The secret in a file, as container engines mount it.
    pub client_secret_file: Option<PathBuf>,
    /// How A shows its secret to C.
    pub client_auth: ClientAuth,
    /// What A asks for, with spaces between.
    pub scope: String,
    pub targets: Targets,
    /// The document's contrast: show the secret to B itself. For teaching, never for use.
    pub legacy_password_demo: bool,
    /// How long a call of B or C may take, in milliseconds.
    pub call_timeout_millis: u64,
    pub tls: TlsFiles,
    pub limits: Limits,
    pub log: LogSettings,
}

/// `client_secret_post` or `client_secret_basic` (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the body, as in the document.
    #[default]
    Post,
    /// By HTTP Basic.
    Basic,
}

/// The Bs that A can call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// The B that checks passes by itself.
    pub local: Target,
    /// The B that asks C about each pass.
    pub introspection: Target,
}

/// One B.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Where A reaches it.
    pub url: String,
    /// Its resource identifier: whom the pass is for (RFC 8707).
    pub resource: String,
}

impl Default for ServiceASettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: "http://localhost:9000".to_owned(),
            internal_url: None,
            ca_file: None,
            listen: "127.0.0.1:9001".to_owned(),
            client_id: "service-a".to_owned(),
            client_secret: None,
            client_secret_file: None,
            client_auth: ClientAuth::default(),
            scope: "resource:read resource:write".to_owned(),
            targets: Targets::default(),
            legacy_password_demo: false,
            call_timeout_millis: 5_000,
            tls: TlsFiles::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for Targets {
    fn default() -> Self {
        let at = |url: &str| Target { url: url.to_owned(), resource: url.to_owned() };
        Self { local: at("http://localhost:9002"), introspection: at("http://localhost:9003") }
    }
}

impl ServiceASettings {
    /// The secret that A shows to C.
    ///
    /// # Errors
    /// When none is set, or its file cannot be read.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let (inline, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let secret = SecretSetting::choose("client_secret", inline, file, self.profile)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Both Bs have to be reachable by a request, whichever is asked for first.
    ///
    /// # Errors
    /// When a URL of a B is none.
    pub fn check_targets(&self) -> anyhow::Result<()> {
        for (name, target) in [("local", &self.targets.local), ("introspection", &self.targets.introspection)] {
            for (part, url) in [("url", &target.url), ("resource", &target.resource)] {
                let usable = claims::endpoint(url).map_err(anyhow::Error::msg);
                usable.with_context(|| format!("the setting `targets.{name}.{part}`"))?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// When the setting is no scope.
    pub fn scope(&self) -> anyhow::Result<Scope> {
        self.scope.parse().context("the setting `scope`")
    }

    /// How A calls others.
    pub fn http(&self) -> HttpClientSettings {
        HttpClientSettings {
            ca_file: self.ca_file.clone(),
            timeout: self.call_timeout(),
            ..HttpClientSettings::default()
        }
    }

    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_millis)
    }
}

impl Settings for ServiceASettings {
    const SERVICE: &'static str = "service-a";

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listener(&self) -> (&str, Option<&Path>) {
        (&self.listen, self.tls.cert_file.as_deref())
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(plain_http("issuer", &self.issuer));
        findings.extend(own_name("issuer", &self.issuer));
        findings.extend(self.internal_url.as_deref().and_then(|url| plain_http("internal_url", url)));
        findings.extend(plain_http("targets.local.url", &self.targets.local.url));
        findings.extend(own_name("targets.local.resource", &self.targets.local.resource));
        findings.extend(plain_http("targets.introspection.url", &self.targets.introspection.url));
        findings.extend(own_name("targets.introspection.resource", &self.targets.introspection.resource));
        findings.extend(plain_listener(&self.listen, &self.tls));
        match self.secret() {
            Ok(secret) => findings.extend(weak_secret("client_secret", secret.expose())),
            Err(error) => findings.push(Finding::new("client_secret", format!("{error:#}"), "let C make one")),
        }
        if self.legacy_password_demo {
            findings.push(Finding::new("legacy_password_demo", "shows the secret to B", "switch it off"));
        }
        findings.extend(self.log.finding());
        findings
    }

    fn try_out(&self) -> anyhow::Result<()> {
        self.log.try_out()?;
        server::make(self, &Clock::system()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(settings: &ServiceASettings) -> Vec<&'static str> {
        settings.findings().iter().map(|finding| finding.setting).collect()
    }

    #[test]
    fn the_demo_is_unsafe_for_its_secret_and_for_names_that_only_this_machine_knows() {
        let expected = ["issuer", "targets.local.resource", "targets.introspection.resource", "client_secret"];
        assert_eq!(named(&ServiceASettings::default()), expected);
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        let mut settings = ServiceASettings {
            issuer: "http://c.example".to_owned(),
            internal_url: Some("http://c.internal".to_owned()),
            listen: "0.0.0.0:9001".to_owned(),
            client_secret: Some(SecretSetting::new("short")),
            legacy_password_demo: true,
            ..ServiceASettings::default()
        };
        settings.targets.local =
            Target { url: "http://b.example".to_owned(), resource: "https://b.example".to_owned() };
        settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
        let expected = [
            "issuer",
            "internal_url",
            "targets.local.url",
            "targets.introspection.resource",
            "listen",
            "client_secret",
            "legacy_password_demo",
            "log.otlp_endpoint",
        ];
        assert_eq!(named(&settings), expected);
    }
}
