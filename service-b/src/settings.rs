//! The settings of B.

use std::path::{Path, PathBuf};

use clock::Clock;
use oauth_types::ClientSecret;
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, HttpClientSettings, Limits, Profile, SecretSetting, Settings, TlsFiles,
    UnsafeSetting, comma_list, loopback_url, plain_http_listener, plain_http_url,
    telemetry::LogSettings, weak_secret,
};

use crate::server;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceBSettings {
    pub profile: Profile,
    /// The issuer identifier of C: the only `iss` that B takes.
    pub issuer: String,
    /// Where B reaches C, if not at the issuer's address.
    pub internal_url: Option<String>,
    /// The only certificate authorities that B believes, as PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// Where B is served, as `host:port`.
    pub listen: String,
    /// B's own identifier: the `aud` that a pass for B carries.
    pub resource: String,
    pub mode: Mode,
    pub local: LocalSettings,
    pub introspection: IntrospectionSettings,
    /// The document's contrast: take a secret instead of a pass. For teaching, never for use.
    pub legacy_secret_demo: bool,
    pub tls: TlsFiles,
    /// Who watches the flows.
    pub events: EventSettings,
    pub limits: Limits,
    pub log: LogSettings,
}

/// How B checks a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By itself, with C's public keys.
    #[default]
    Local,
    /// By asking C about each.
    Introspection,
    /// A JWT by itself, anything else by asking C.
    Auto,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// The signature algorithms that B takes.
    #[serde(deserialize_with = "comma_list")]
    pub algorithms: Vec<String>,
    /// How far C's clock and B's may differ, in seconds.
    pub leeway_seconds: u32,
    /// How often B may fetch the keys because of an unknown one, in seconds.
    pub key_cooldown_seconds: u32,
    /// So many verified passes are remembered.
    pub token_cache_capacity: u64,
    /// The secret that B and C share under HS256, for learning.
    pub hs256_secret: Option<SecretSetting>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntrospectionSettings {
    pub client_id: String,
    pub client_secret: Option<SecretSetting>,
    /// The secret in a file, as container engines mount it.
    pub client_secret_file: Option<PathBuf>,
    /// How long C's word is good, in seconds: a revoked pass may live on for that long.
    pub cache_seconds: u32,
}

impl Default for ServiceBSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: "http://localhost:9000".to_owned(),
            internal_url: None,
            ca_file: None,
            listen: "127.0.0.1:9002".to_owned(),
            resource: "http://localhost:9002".to_owned(),
            mode: Mode::default(),
            local: LocalSettings::default(),
            introspection: IntrospectionSettings::default(),
            legacy_secret_demo: false,
            tls: TlsFiles::default(),
            events: EventSettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            algorithms: ["ES256", "EdDSA", "RS256"].map(str::to_owned).to_vec(),
            leeway_seconds: 5,
            key_cooldown_seconds: 10,
            token_cache_capacity: 10_000,
            hs256_secret: None,
        }
    }
}

impl Default for IntrospectionSettings {
    fn default() -> Self {
        Self {
            client_id: "service-b".to_owned(),
            client_secret: None,
            client_secret_file: None,
            cache_seconds: 2,
        }
    }
}

impl ServiceBSettings {
    /// The secret with which B asks C.
    ///
    /// # Errors
    /// When none is set, or its file cannot be read.
    pub fn introspection_secret(&self) -> anyhow::Result<ClientSecret> {
        let IntrospectionSettings { client_secret, client_secret_file, .. } = &self.introspection;
        let (inline, file) = (client_secret.as_ref(), client_secret_file.as_ref());
        let secret =
            SecretSetting::resolve("introspection.client_secret", inline, file, self.profile)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// How B calls C.
    pub fn http(&self) -> HttpClientSettings {
        HttpClientSettings { ca_file: self.ca_file.clone(), ..HttpClientSettings::default() }
    }
}

impl Settings for ServiceBSettings {
    const SERVICE: &'static str = "service-b";

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listener(&self) -> (&str, Option<&Path>) {
        (&self.listen, self.tls.cert_file.as_deref())
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let mut findings = Vec::new();
        findings.extend(plain_http_url("issuer", &self.issuer));
        findings.extend(loopback_url("issuer", &self.issuer));
        findings.extend(loopback_url("resource", &self.resource));
        findings.extend(
            self.internal_url.as_deref().and_then(|url| plain_http_url("internal_url", url)),
        );
        findings.extend(plain_http_listener(&self.listen, &self.tls));
        if self.mode != Mode::Local {
            let setting = "introspection.client_secret";
            match self.introspection_secret() {
                Ok(secret) => findings.extend(weak_secret(setting, secret.expose())),
                Err(error) => findings.push(UnsafeSetting::new(
                    setting,
                    format!("{error:#}"),
                    "let C make one",
                )),
            }
        }
        if self.local.hs256_secret.is_some() {
            findings.push(UnsafeSetting::new(
                "local.hs256_secret",
                "lets B make passes itself",
                "use ES256",
            ));
        }
        if self.local.leeway_seconds > 60 {
            findings.push(UnsafeSetting::new(
                "local.leeway_seconds",
                "a pass is good for minutes after its end",
                "use 5",
            ));
        }
        if self.introspection.cache_seconds > 60 {
            findings.push(UnsafeSetting::new(
                "introspection.cache_seconds",
                "a revoked pass is good for minutes",
                "use 2",
            ));
        }
        if self.legacy_secret_demo {
            findings.push(UnsafeSetting::new(
                "legacy_secret_demo",
                "makes B take secrets",
                "switch it off",
            ));
        }
        findings.extend(self.events.unsafe_setting());
        findings.extend(self.log.unsafe_setting());
        findings
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        server::make(self, Clock::system()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(settings: &ServiceBSettings) -> Vec<&'static str> {
        settings.unsafe_settings().iter().map(|finding| finding.setting).collect()
    }

    #[test]
    fn a_local_b_holds_no_secret_that_could_be_weak() {
        assert_eq!(
            named(&ServiceBSettings::default()),
            ["issuer", "resource"],
            "names that only this machine knows"
        );
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        let mut settings = ServiceBSettings {
            issuer: "http://c.example".to_owned(),
            internal_url: Some("http://c.internal".to_owned()),
            listen: "0.0.0.0:9002".to_owned(),
            mode: Mode::Introspection,
            legacy_secret_demo: true,
            ..ServiceBSettings::default()
        };
        settings.local.hs256_secret = Some(SecretSetting::new("x"));
        (settings.local.leeway_seconds, settings.introspection.cache_seconds) = (61, 61);
        settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
        let expected = [
            "issuer",
            "resource",
            "internal_url",
            "listen",
            "introspection.client_secret",
            "local.hs256_secret",
            "local.leeway_seconds",
            "introspection.cache_seconds",
            "legacy_secret_demo",
            "log.otlp_endpoint",
        ];
        assert_eq!(named(&settings), expected);
    }
}
